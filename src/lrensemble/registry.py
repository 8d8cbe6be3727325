"""The one extension mechanism: a registry of named functions, each with one runnable example and its facts.

Registering is one decorator; the example drives the contract tests, the reference and `lrensemble ls`:

```python
@SELECTORS.register(size=25)
def greedy(validation: Validation, *, size: int = 25) -> Selection: ...

SELECTORS.call("greedy(size=10)", validation)
```

What others need to know of a registered function (the direction of a metric, say) is a fact: it is stated where the
function is registered, as a field of the registry's own record, and nowhere else:

```python
METRICS: Registry[float, MetricFacts] = Registry("metric", MetricFacts)

@METRICS.register(higher_is_better=False, bins=15)      # a fact, and an argument of the example
def ece(probs, labels, weights=None, *, bins: int = 15) -> float: ...

METRICS.facts("ece(bins=5)").higher_is_better
```

Unknown names and wrong arguments explain themselves; arguments are checked against the function's annotations.
"""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, dataclass, fields
from typing import Any, Generic, ParamSpec, get_type_hints

from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError
from typing_extensions import TypeVar

from lrensemble.errors import SpecError, UnknownNameError
from lrensemble.spec import Spec, SpecLike, Value, to_spec


@dataclass(frozen=True)
class NoFacts:
    """Of functions of which nobody needs to know anything."""


P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", default=NoFacts)


def nearest(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'cosine'? (known: …)"` for a message, or only the known names where none is near."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return (f"; did you mean {close[0]!r}?" if close else ";") + f" (known: {', '.join(names)})"


class Registry(Generic[R, F]):
    """Named functions of one kind (`"policy"`, …) that all return an `R`, in the order of their registration.

    `F` is the frozen dataclass of their facts; a fact without a default must be stated at every registration.
    """

    def __init__(self, kind: str, facts: type[F] = NoFacts) -> None:  # type: ignore[assignment]
        self.kind = kind
        self._kind_of_facts: Any = facts
        self._functions: dict[str, Callable[..., R]] = {}
        self._examples: dict[str, Spec] = {}
        self._facts: dict[str, F] = {}
        self._aliases: dict[str, str] = {}

    def register(
        self, name: str | None = None, *, aliases: tuple[str, ...] = (), **given: Any
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Register a function under its own name, or under `name`.

        Args:
            name: for what cannot be an identifier, such as `resnet-20`.
            aliases: other names that mean the same function.
            given: its facts, by the fields of the registry's record of facts; all else are the arguments of one
                runnable example.

        Raises:
            SpecError: a fact that must be stated is missing.
            ValueError: a name is taken. This is a programmer's mistake and not a user's.
        """
        known = fields(self._kind_of_facts)
        missing = [each.name for each in known if each.default is MISSING and each.name not in given]
        if missing:
            raise SpecError(
                f"a {self.kind} is registered with its {' and '.join(missing)}: register({missing[0]}=…); "
                f"{inspect.getdoc(self._kind_of_facts)}".split("\n", 1)[0]
            )
        facts = self._kind_of_facts(**{each.name: given.pop(each.name) for each in known if each.name in given})

        def add(function: Callable[P, R]) -> Callable[P, R]:
            key = name or str(getattr(function, "__name__"))
            for taken in (key, *aliases):
                if taken in self:
                    raise ValueError(f"a {self.kind} named {taken!r} is registered already")
            self._functions[key] = function
            self._examples[key] = to_spec({"name": key, **given})
            self._facts[key] = facts
            self._aliases |= dict.fromkeys(aliases, key)
            return function

        return add

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def __contains__(self, name: object) -> bool:
        return name in self._functions or name in self._aliases

    def canonical(self, name: str) -> str:
        """The name that a function was registered under, of that name or of an alias.

        Raises:
            UnknownNameError: there is none; the message holds the nearest known name.
        """
        key = self._aliases.get(name, name)
        if key not in self._functions:
            raise UnknownNameError(f"no {self.kind} named {name!r}{nearest(name, [*self._functions, *self._aliases])}")
        return key

    def get(self, name: str) -> Callable[..., R]:
        """The function of that name.

        Raises:
            UnknownNameError: as `canonical` does.
        """
        return self._functions[self.canonical(name)]

    def facts(self, given: SpecLike) -> F:
        """What is known of the function that a spec names.

        Raises:
            UnknownNameError: as `canonical` does.
        """
        return self._facts[self.canonical(to_spec(given).name)]

    def aliases(self, name: str) -> tuple[str, ...]:
        """Other names of a function."""
        key = self.canonical(name)
        return tuple(alias for alias, of in self._aliases.items() if of == key)

    def example(self, name: str) -> Spec:
        """The spec that the function was registered with: it runs as it stands."""
        return self._examples[self.canonical(name)]

    def summary(self, name: str) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.get(name)) or "").split("\n", 1)[0]

    def check(self, given: SpecLike, *reserved: str) -> Spec:
        """The spec, its name known (an alias becomes the name) and its arguments accepted by the function's signature.

        `reserved` are keyword arguments that the caller passes itself and a spec therefore may not hold.

        Raises:
            UnknownNameError: no such name.
            SpecError: an argument that is unknown, missing, reserved or of another type.
        """
        spec = to_spec(given)
        function = self.get(spec.name)
        if spec.name in self._aliases:
            spec = Spec(self._aliases[spec.name], spec.arguments)
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
