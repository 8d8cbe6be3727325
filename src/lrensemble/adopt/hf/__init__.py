"""What the Trainer of Hugging Face leaves: a callback that keeps every run, and the folders that it writes.

```
folders ──▶ Run (a folder with weights, and its state) ──networks──▶ Found
Keep, at the end of a training ──────────────────────────networks──▶ Found
```
"""

from lrensemble.adopt.hf.callback import Keep

__all__ = ["Keep"]
