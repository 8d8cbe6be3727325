"""The one extension mechanism: a registry of named functions, each with one runnable example.

Registering is one decorator; the example drives the contract tests, the reference and `lrensemble ls`:

```python
@SELECTORS.register(size=25)
def greedy(validation: Validation, *, size: int = 25) -> Selection: ...

SELECTORS.call("greedy(size=10)", validation)
```

Unknown names and wrong arguments explain themselves; arguments are checked against the function's annotations.
"""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, ParamSpec, TypeVar, get_type_hints

from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError

from lrensemble.errors import SpecError, UnknownNameError
from lrensemble.spec import Spec, SpecLike, Value, to_spec

P = ParamSpec("P")
R = TypeVar("R")


def nearest(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'cosine'? (known: …)"` for a message, or only the known names where none is near."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return (f"; did you mean {close[0]!r}?" if close else ";") + f" (known: {', '.join(names)})"


class Registry(Generic[R]):
    """Named functions of one kind (`"policy"`, …) that all return an `R`, in the order of their registration."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._functions: dict[str, Callable[..., R]] = {}
        self._examples: dict[str, Spec] = {}

    def register(self, name: str | None = None, **example: object) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Register a function under its own name, or under `name`, with the arguments of one runnable example.

        `name` is for what cannot be an identifier: `resnet-20`.

        Raises:
            ValueError: the name is taken. This is a programmer's mistake and not a user's.
        """

        def add(function: Callable[P, R]) -> Callable[P, R]:
            key = name or str(getattr(function, "__name__"))
            if key in self._functions:
                raise ValueError(f"a {self.kind} named {key!r} is registered already")
            self._functions[key] = function
            self._examples[key] = to_spec({"name": key, **example})
            return function

        return add

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def __contains__(self, name: object) -> bool:
        return name in self._functions

    def get(self, name: str) -> Callable[..., R]:
        """The function of that name.

        Raises:
            UnknownNameError: there is none; the message holds the nearest known name.
        """
        if name not in self._functions:
            raise UnknownNameError(f"no {self.kind} named {name!r}{nearest(name, self._functions)}")
        return self._functions[name]

    def example(self, name: str) -> Spec:
        """The spec that the function was registered with: it runs as it stands."""
        self.get(name)
        return self._examples[name]

    def summary(self, name: str) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.get(name)) or "").split("\n", 1)[0]

    def check(self, given: SpecLike, *reserved: str) -> Spec:
        """The spec, its name known and its arguments accepted by the function's signature.

        `reserved` are keyword arguments that the caller passes itself and a spec therefore may not hold.

        Raises:
            UnknownNameError: no such name.
            SpecError: an argument that is unknown, missing, reserved or of another type.
        """
        spec = to_spec(given)
        function = self.get(spec.name)
        parameters = {
            key: parameter
            for key, parameter in inspect.signature(function).parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY and key not in reserved
        }
        for key in spec.arguments:
            if key not in parameters:
                raise SpecError(f"{self.kind} {spec.name!r} has no argument {key!r}{nearest(key, parameters)}")
        missing = [k for k, p in parameters.items() if p.default is p.empty and k not in spec.arguments]
        if missing:
            raise SpecError(f"{self.kind} {spec.name!r} needs {', '.join(missing)}: e.g. {self._examples[spec.name]}")
        hints = get_type_hints(function, include_extras=True)
        for key, value in spec.arguments.items():
            self._check_type(spec.name, key, value, hints.get(key, object))
        return spec

    def call(self, given: SpecLike, *positional: object, **keywords: object) -> R:
        """Call the function that a spec names, with the spec's arguments and those given here.

        Raises:
            SpecError: as `check` does.
        """
        spec = self.check(given, *keywords)
        return self._functions[spec.name](*positional, **spec.arguments, **keywords)

    def _check_type(self, name: str, key: str, value: Value, annotation: Any) -> None:
        try:
            # Through JSON: strict (no "3" for 3) and yet lists for tuples and names for literals. A nested spec goes as
            # its table, which only a function that reads specs itself accepts (annotated as `Any`).
            TypeAdapter(annotation).validate_json(json.dumps(value, default=Spec.to_json), strict=True)
        except PydanticSchemaGenerationError:
            return  # an annotation of ours that only the function understands
        except ValidationError as error:
            reason = error.errors()[0]["msg"].lower()
            raise SpecError(f"{self.kind} {name!r}: {key} = {value!r} is refused: {reason}") from None
