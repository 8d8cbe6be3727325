"""Many members in one program: networks of one shape, stacked along a leading member axis.

`stacked` runs them, `optimizers` updates them, `trainee` trains them. Networks too small to fill a device are trained
together in little more than the time of one.
"""
