"""A registry of named functions, each with one runnable example and its facts.

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

A name with a colon, `package.module:function`, is imported and used as if it had been registered under that text. Its
facts are those that it was registered with, or else its attributes: `balanced.higher_is_better = True`.

Unknown names and wrong arguments explain themselves; arguments are checked against the function's annotations.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, ParamSpec, overload

from typing_extensions import TypeVar

from lrensemble.errors import UnknownNameError
from lrensemble.registry import functions, plugins
from lrensemble.registry.functions import Call, NoFacts, Registered
from lrensemble.registry.names import nearest
from lrensemble.registry.paths import FORM, explained, function_at
from lrensemble.registry.trust import let_out
from lrensemble.spec import Spec, SpecLike, to_spec

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", default=NoFacts)

Adapt = Callable[[str, Callable[..., Any]], Callable[..., Any]]
"""From a name and a function as somebody wrote it to the function that the registry calls."""


@dataclass(frozen=True)
class Family(Generic[F]):
    """Names that cannot be listed."""

    form: str
    """For people: `wrn-DEPTH-WIDTH`."""
    summary: str
    make: Callable[..., Callable[..., Any]]
    """What makes the function of one such name from the groups of the match."""
    facts: F


class Registry(Generic[R, F]):
    """Named functions of one kind (`"policy"`, …) that all return an `R`, in the order of their registration.

    `F` is the frozen dataclass of their facts; a fact without a default must be stated at every registration.
    """

    def __init__(
        self,
        kind: str,
        facts: type[F] = NoFacts,  # type: ignore[assignment]
        *,
        plural: str = "",
        title: str = "",
        call: Call = functions.ANY_CALL,
        adapt: Adapt = lambda _name, function: function,
    ) -> None:
        self.kind = kind
        self.plural = plural or f"{kind}s"
        self.title = title or self.plural.capitalize()
        self._call = call
        self._adapt = adapt
        self.kind_of_facts: Any = facts
        self._functions: dict[str, Registered[R, F]] = {}
        self._aliases: dict[str, str] = {}
        self._families: dict[str, Family[F]] = {}
        self._by_path: dict[str, Registered[R, F]] = {}

    @overload
    def register(self, name: Callable[P, R]) -> Callable[P, R]: ...
    @overload
    def register(
        self, name: str | None = None, *, aliases: tuple[str, ...] = (), **given: Any
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
    def register(
        self, name: str | Callable[P, R] | None = None, *, aliases: tuple[str, ...] = (), **given: Any
    ) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
        """Register a function under its own name, or under `name`.

        Args:
            name: for what cannot be an identifier, such as `resnet-20`.
            aliases: other names that mean the same function.
            given: its facts, by the fields of the registry's record of facts; all else are the arguments of one
                runnable example.

        Raises:
            SpecError: a fact that must be stated is missing, or the function cannot be called as those of its kind are.
            ValueError: a name is taken. This is a programmer's mistake and not a user's.
        """
        if name is not None and not isinstance(name, str):
            return self.register()(name)
        facts: F = functions.stated_facts(self.kind, self.kind_of_facts, given)

        def add(function: Callable[P, R]) -> Callable[P, R]:
            key = name or str(getattr(function, "__name__"))
            for taken in (key, *aliases):
                known = self._functions.get(taken)
                if taken in self and not (known and functions.same_definition(known.written, function)):
                    raise ValueError(f"a {self.kind} named {taken!r} is registered already")
            self._functions[key] = self._registered(key, function, facts, to_spec({"name": key, **given}), aliases)
            self._aliases |= dict.fromkeys(aliases, key)
            return self._functions[key].function

        return add

    def family(
        self, pattern: str, form: str, summary: str, **stated: Any
    ) -> Callable[[Callable[..., Callable[..., R]]], Callable[..., Callable[..., R]]]:
        """Register names that cannot be listed, as `wrn-16-4`: the decorated function gets the groups of the match.

        Args:
            pattern: a regular expression for the whole name.
            form: the same for people, for messages: `wrn-DEPTH-WIDTH`.
            summary: one line that says what they are.
            stated: facts that all of them share.

        Raises:
            SpecError: a fact that must be stated is missing.
            ValueError: the pattern is taken. This is a programmer's mistake and not a user's.
        """
        facts: F = functions.stated_facts(self.kind, self.kind_of_facts, stated)

        def add(make: Callable[..., Callable[..., R]]) -> Callable[..., Callable[..., R]]:
            if pattern in self._families:
                raise ValueError(f"a family of {self.plural} with names {pattern!r} is registered already")
            self._families[pattern] = Family(form, summary, make, facts)
            return make

        return add

    def families(self) -> dict[str, str]:
        """The forms of names that cannot be listed, and what is behind them."""
        own = {FORM: f"Any function of yours that takes ({self._call.form})."}
        return {each.form: each.summary for each in self._families.values()} | own

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def names(self) -> list[str]:
        """All names that can be listed, aliases and those of installed plugins among them."""
        plugins.installed_plugins()
        return [*self._functions, *self._aliases]

    def __len__(self) -> int:
        return len(self._functions)

    def __contains__(self, name: object) -> bool:
        return name in self._functions or name in self._aliases

    def find(self, name: str) -> Registered[R, F]:
        """All that is known of a function: by its name, an alias, a name of a family, or as `package.module:function`.

        Raises:
            UnknownNameError: there is none; the message holds the nearest known name.
            SpecError: `package.module:function` that cannot be imported, called like this, or lacks a fact.
        """
        if name in self:
            return self._functions[self._aliases.get(name, name)]
        if ":" in name:
            return self._at_path(name)
        if found := self._of_a_family(name):
            return found
        failures = plugins.installed_plugins()
        if name in self:
            return self.find(name)
        known = [*self._functions, *self._aliases, *self.families()]
        raise UnknownNameError("; ".join([f"no {self.kind} named {name!r}{nearest(name, known)}", *failures]))

    def canonical(self, name: str) -> str:
        """The name that a function was registered under, of that name or of an alias.

        Raises:
            UnknownNameError, SpecError: as `find` does.
        """
        return self.find(name).name

    def get(self, name: str) -> Callable[..., R]:
        """The function of that name.

        Raises:
            UnknownNameError, SpecError: as `find` does.
        """
        return self.find(name).function

    def facts(self, given: SpecLike) -> F:
        """What is known of the function that a spec names.

        Raises:
            UnknownNameError, SpecError: as `find` does.
        """
        return self.find(to_spec(given).name).facts

    def aliases(self, name: str) -> tuple[str, ...]:
        """Other names of a function."""
        return self.find(name).aliases

    def example(self, name: str) -> Spec:
        """The spec that the function was registered with: it runs as it stands."""
        return self.find(name).example

    def arguments(self, name: str) -> dict[str, inspect.Parameter]:
        """The arguments that a spec may hold, by name."""
        return dict(self.find(name).own)

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
        return self._checked(given, reserved)[1]

    def call(self, given: SpecLike, *positional: object, **keywords: object) -> R:
        """Call the function that a spec names, with the spec's arguments and those given here.

        Raises:
            SpecError: as `check` does; or a function that is not ours raised an error of its own.
        """
        return self.bound(given, *keywords)(*positional, **keywords)

    def bound(self, given: SpecLike, *reserved: str) -> Callable[..., R]:
        """The function that a spec names, with the spec's arguments filled in; arguments and errors as of `check`."""
        found, spec = self._checked(given, reserved)
        function = partial(found.function, **spec.arguments)
        return function if found.shipped else explained(f"{self.kind} {spec.name!r}", function)

    def _checked(self, given: SpecLike, reserved: tuple[str, ...]) -> tuple[Registered[R, F], Spec]:
        spec = to_spec(given)
        found = self.find(spec.name)
        found.check(spec.arguments, reserved)
        for place in found.places(spec.arguments):
            let_out(place)
        return found, spec if spec.name == found.name else Spec(found.name, spec.arguments)

    def _of_a_family(self, name: str) -> Registered[R, F] | None:
        for pattern, family in self._families.items():
            if match := re.fullmatch(pattern, name):
                made: Callable[..., R] = family.make(*match.groups())
                return self._registered(name, made, family.facts, Spec(name))
        return None

    def _at_path(self, path: str) -> Registered[R, F]:
        """A function by its path. What this package registers has one name; all others are found again by the path."""
        written = function_at(path, self.kind)
        known = next((each for each in self._functions.values() if written in (each.function, each.written)), None)
        if known and known.shipped:
            return known
        kept = self._by_path.get(path)
        if kept is None or kept.written is not (known.written if known else written):
            if known:
                kept = self._registered(path, known.written, known.facts, Spec(path, known.example.arguments))
            else:
                self._call.require(f"{self.kind} {path!r}", written)
                decorator = f"@{self.plural.upper()}.register"
                facts: F = functions.facts_of(self.kind, path, self.kind_of_facts, written, decorator)
                kept = self._registered(path, written, facts, Spec(path))
            self._by_path[path] = kept
        return kept

    def _registered(
        self, name: str, written: Callable[..., R], facts: F, example: Spec, aliases: tuple[str, ...] = ()
    ) -> Registered[R, F]:
        self._call.require(f"{self.kind} {name!r}", written)
        called = self._adapt(name, written)
        return Registered(name, self.kind, called, written, self._call.own(called), example, facts, aliases)
