"""Everything that lrensemble refuses, as one tree of exceptions.

```
LREnsembleError            the root: its message is one line that a user can act on
├── SpecError              a name or its arguments cannot be used (policy, model, selector, …)
│   ├── UnknownNameError   no such name; the message holds the nearest known one
│   └── UntrustedError     a folder from elsewhere names code or a place on the net, and nobody has asked for it
├── ConfigError            an experiment file or an option cannot be used
├── DataError              a data set is missing, corrupt or does not fit together
├── PredictionsError       predictions or labels cannot be used
├── PoolError              a pool on disk does not hold together, or holds too little
├── SelectionError         a team cannot be chosen as asked
│   └── FitError           an estimator of scikit-learn's kind cannot be fitted as asked; a ValueError too
├── TrainingError          a member cannot be trained as asked
├── AdoptError             a model that was trained elsewhere cannot become a member
├── WorkerError            work cannot be handed to a worker, or none can start
├── ExportError            a team cannot be exported as asked, or a bundle does not hold together
├── StorageError           a file or folder cannot be read or written
├── LostClaimError         another process has taken over what this one was at work on
└── MissingExtraError      an optional dependency is not installed
```

A message says what was given, what is allowed and what to do. The command line turns these, and only these,
into one line and exit status 2; any other exception is a bug, and the line tells in which file its traceback is.
"""


class LREnsembleError(Exception):
    """Root of all errors that lrensemble raises on purpose."""


class SpecError(LREnsembleError):
    """A registered name was given arguments that it cannot use."""


class UnknownNameError(SpecError):
    """A name is not registered."""


class UntrustedError(SpecError):
    """A pool, bundle, result or ensemble names code, or something on a hub, that nobody has asked for."""


class ConfigError(LREnsembleError):
    """An experiment file, or an option that overrides it, cannot be used."""


class DataError(LREnsembleError):
    """A data set is missing, corrupt or does not fit together."""


class PredictionsError(LREnsembleError):
    """Predictions or labels cannot be used: wrong shape, NaN, labels outside the classes, …"""


class PoolError(LREnsembleError):
    """A pool on disk does not hold together, or holds too little for what was asked."""


class SelectionError(LREnsembleError):
    """A team cannot be chosen as asked."""


class FitError(SelectionError, ValueError):
    """An estimator of scikit-learn's kind cannot be fitted as asked: a `ValueError`, as scikit-learn's users expect."""


class TrainingError(LREnsembleError):
    """A member cannot be trained as asked."""


class AdoptError(LREnsembleError):
    """A model that was trained elsewhere cannot become a member as asked."""


class WorkerError(LREnsembleError):
    """Work cannot be handed to a worker, what it tells cannot be handed back, or no worker can start."""


class ExportError(LREnsembleError):
    """A team cannot be exported as asked, or an exported file does not hold together."""


class ReportError(LREnsembleError):
    """Figures cannot be drawn as asked."""


class StorageError(LREnsembleError):
    """A file or folder cannot be read or written."""


class LostClaimError(LREnsembleError):
    """Another process has taken over what this one was at work on; nothing was written after that."""


class MissingExtraError(LREnsembleError):
    """An optional dependency is not installed; the message names the extra to install."""
