"""What is evaluated: a version, or a base alone, under the name by which a server knows it."""

from dataclasses import dataclass

from medley_registry import BaseModel, BaseNotFound, Registry, Version
from medley_registry.base_variants import origin

from medley_training.errors import BadSuite


@dataclass(frozen=True, slots=True)
class EvaluatedModel:
    """A version on its base, or the base as it is where there is no version.

    Attributes:
        base: Unquantized: of a version that was trained on a quantized base, what that was made of.
    """

    base: BaseModel
    version: Version | None = None

    @property
    def name(self) -> str:
        """What requests name: a version by its number, so that no alias moves under them."""
        return self.version.reference if self.version else self.base.name

    @property
    def digest(self) -> str | None:
        """What the server must say that it answered with; a base's answers say nothing."""
        return str(self.version.digest) if self.version else None


def evaluated_models(registry: Registry, references: list[str]) -> tuple[EvaluatedModel, ...]:
    """The models of some references, each a version's or a base's name.

    Raises:
        BadSuite: They are of different bases, or one is given twice.
        RegistryError: There is no such version.
    """
    found = tuple(_model(registry, reference) for reference in references)
    bases = {model.base.base_id: model.base.name for model in found}
    if len(bases) > 1:
        listed = ", ".join(sorted(bases.values()))
        raise BadSuite(f"one server has one base; these are of {listed}: evaluate them apart")
    names = [model.name for model in found]
    for name in names:
        if names.count(name) > 1:
            raise BadSuite(f"{name} is given twice")
    return found


def _model(registry: Registry, reference: str) -> EvaluatedModel:
    try:
        return EvaluatedModel(origin(registry, registry.base(reference)))
    except BaseNotFound:
        version = registry.resolve(reference)
        return EvaluatedModel(origin(registry, registry.base(version.base)), version)
