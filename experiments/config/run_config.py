"""The configuration of runs and comparisons, checked before any work starts; see `experiments.config.reader`."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from experiments.arms.names import AUTO, DELIVERABLE, SHORT, WITH_STATED
from experiments.arms.serving import Limits
from experiments.config.constraints import Entry, checked
from experiments.config.data_config import NONE, DataConfig
from experiments.config.operating_points import AnyPoint, point_of
from experiments.config.part_sections import (
    AugmentedConfig,
    GeneratorConfig,
    LearnerConfig,
    Section,
    TeacherConfig,
    as_list,
)
from experiments.config.scale_config import ScaleConfig
from experiments.config.strategies import STRATEGIES
from experiments.config.supplies import Entry as SupplyEntry
from experiments.config.supplies import StatedConfig, check_no_real_rows, entries_of, files_of
from loop.catalogue import check_name
from loop.cycle.acceptance import GroupGuard
from loop.cycle.lanes import USUAL
from loop.cycle.parts import SETTINGS, Settings, check_setting
from loop.errors import ConfigError
from loop.evaluation.calibration import DEFAULT, Method
from loop.evaluation.operating_points import AtFalsePositiveRate, AtPrecision
from loop.support.setting_checks import check_most

Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
MOST_CELLS = 100_000  # of a comparison


class LoopConfig(Section):
    """How the loop runs; see `loop.cycle.parts.Settings`, which has the defaults and bounds."""

    strategy: str = "targeted"
    generations: int = Settings.generations
    budget: float = Settings.budget
    most_rows: int = Settings.most_rows
    pool: int = Settings.pool
    share_anywhere: float | None = None  # None = as the strategy says
    weight: float = Settings.weight
    steer: bool | None = None  # None = as the strategy says
    weakness: str = Settings.weakness
    lanes: int | Literal["auto"] = "auto"  # 1 = hold-out; auto = 5, or hold-out above 100,000 training rows
    patience: int = Settings.patience
    jobs: int = Settings.jobs  # lanes side by side
    seed: Seed = 0

    @field_validator("strategy")
    @classmethod
    def _known(cls, strategy: str) -> str:
        return check_name("strategy", strategy, STRATEGIES)

    @field_validator(*SETTINGS)
    @classmethod
    def _in_bounds(cls, value: float | str | None, info: ValidationInfo) -> float | str | None:
        if value is not None and info.field_name is not None:
            check_setting(info.field_name, value, f"loop.{info.field_name}")
        return value

    @field_validator("lanes")
    @classmethod
    def _enough(cls, lanes: int | str) -> int | str:
        if isinstance(lanes, int) and lanes < 1:
            raise ConfigError(
                f"loop.lanes must be auto or at least 1, got {lanes}: 1 is a single hold-out, {USUAL} is usual."
            )
        check_most("loop.lanes", lanes, 1000)
        return lanes

    def settings(self) -> Settings:
        """Return the settings; what the strategy decides has its default."""
        given = {name: getattr(self, name) for name in SETTINGS}
        return Settings(**{name: value for name, value in given.items() if value is not None})


class ArmsConfig(Section):
    """What the loop is compared with."""

    run: bool = True  # False = only with the learner on real rows alone, and the teacher
    plain: bool = True  # plain models of every kind, see `experiments.arms.plain`
    plain_seconds: float = Field(default=600.0, gt=0)  # time that they share: no kind is begun after it
    tuning: bool = True  # the tuned arm takes as long as the loop took
    untargeted: bool = True  # the loop without its aim, which takes about as long as the loop


class ServingConfig(Section):
    """What the delivered model may cost to serve; None = anything."""

    most_seconds_per_million: float | None = Field(default=None, gt=0)  # rows scored on one thread
    most_megabytes: float | None = Field(default=None, gt=0)  # on disk

    def limits(self) -> Limits:
        """Return the limits in the form that the choice takes."""
        return Limits(self.most_seconds_per_million, self.most_megabytes)


class MetricsConfig(Section):
    """Operating points of the report."""

    precision: float = Field(default=0.9, ge=0.01, le=0.99)  # recall is reported at this precision, in whole percent
    # more of them, see `experiments.config.operating_points`
    points: tuple[AnyPoint, ...] = (AtFalsePositiveRate(0.01),)

    @field_validator("points", mode="before")
    @classmethod
    def _readable(cls, entries: object) -> object:
        return tuple(point_of(entry) for entry in as_list("metrics.points", entries))

    @property
    def recall_at_precision(self) -> str:
        """Name of the metric at this precision, see `loop.evaluation.metrics.resolve`."""
        return f"recall_at_precision_{round(100 * self.precision):02d}"

    @property
    def operating_points(self) -> tuple[AnyPoint, ...]:
        """Return all points, each once."""
        return tuple(dict.fromkeys((AtPrecision(self.precision), *self.points)))


class CalibrationConfig(Section):
    """How the probabilities of the delivered model are calibrated, see `loop.evaluation.calibration.calibrate`."""

    method: Method = DEFAULT


class FairnessConfig(Section):
    """Groups that the loop must not harm and, by default, aims at."""

    columns: tuple[str, ...] = ()  # categorical or boolean; each of their values is a group
    aim: bool = True  # the weak regions are then the weak groups, see `loop.regions.Groups`
    tolerance: float = Field(default=GroupGuard.tolerance, ge=0, le=1)  # loss of the worst group's score
    least: int = Field(default=GroupGuard.least, ge=1)  # positives under which a group is too small to be judged

    @field_validator("columns")
    @classmethod
    def _once(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(columns)) < len(columns):
            raise ConfigError(
                f"fairness.columns must name each column once, got {', '.join(columns)}: leave out what is repeated."
            )
        return columns


class CommonConfig(Section):
    """What a run and a comparison share."""

    loop: LoopConfig = LoopConfig()
    learner: LearnerConfig = Field(default_factory=LearnerConfig)  # made on use: it loads the learner's library
    augmented_learner: AugmentedConfig = AugmentedConfig()
    generator: GeneratorConfig = GeneratorConfig()
    teacher: TeacherConfig = TeacherConfig()
    supplies: tuple[SupplyEntry, ...] = ("taught",)  # where new rows come from, see `experiments.config.supplies`
    arms: ArmsConfig = ArmsConfig()
    deliver: str = AUTO  # auto, loop, teacher, plain or the name of a plain model, see `experiments.arms.delivery`
    serving: ServingConfig = ServingConfig()
    metrics: MetricsConfig = MetricsConfig()
    calibration: CalibrationConfig = CalibrationConfig()
    fairness: FairnessConfig = FairnessConfig()
    constraints: tuple[Entry, ...] = ()  # rules that new rows must obey, see `experiments.config.constraints`
    tracking: str = "auto"  # path of mlflow.yaml; auto = the one in the working folder, or its defaults; none
    out: Path = Path("runs")
    # Where the work is done. The results do not depend on it, so no record holds it: neither folders nor MLflow.
    scale: ScaleConfig = Field(default=ScaleConfig(), exclude=True)

    def files(self) -> dict[str, str]:
        """Return digests of the files that settings of parts name."""
        return self.generator.files() | self.teacher.files() | files_of(self.supplies)

    @field_validator("supplies", mode="before")
    @classmethod
    def _told(cls, supplies: object) -> object:
        return entries_of(supplies)

    @field_validator("constraints", mode="before")
    @classmethod
    def _readable(cls, entries: object) -> object:
        return tuple(checked(entry) for entry in as_list("constraints", entries))

    @field_validator("deliver")
    @classmethod
    def _deliverable(cls, deliver: str) -> str:
        return check_name("deliver", deliver, DELIVERABLE)

    @model_validator(mode="after")
    def _augmented_fits(self) -> Self:
        self.augmented_learner.check(self.learner)
        return self

    @model_validator(mode="after")
    def _stated_is_fitted(self) -> Self:
        if SHORT.get(self.deliver) == WITH_STATED:
            if not any(isinstance(entry, StatedConfig) for entry in self.supplies):
                raise ConfigError(
                    "deliver may be 'stated' only if supplies hold a rule book that makes rows, got none: add it."
                )
            if not (self.arms.run and self.arms.plain):
                raise ConfigError(
                    "deliver 'stated' needs plain models, and arms leave them out: set arms.run and arms.plain to true."
                )
        return self

    @field_validator("tracking", mode="before")
    @classmethod
    def _is_there(cls, tracking: object) -> object:
        if isinstance(tracking, str) and tracking not in ("auto", NONE) and not Path(tracking).is_file():
            raise ConfigError(
                f"tracking must be auto, none or a YAML file, and {tracking!r} is no file: check the path."
            )
        return NONE if tracking is None else tracking

    @field_validator("out")
    @classmethod
    def _is_folder(cls, out: Path) -> Path:
        nearest = next(path for path in (out, *out.absolute().parents) if path.exists())
        if not nearest.is_dir():
            raise ConfigError(f"out must be a folder or a new name, and {nearest} is a file: choose another one.")
        return out


class RunConfig(CommonConfig):
    """One run of the loop."""

    data: DataConfig
    audit: bool = True  # quickly tries whether the new rows tell whose rows they were made from

    @model_validator(mode="after")
    def _real_rows_are_named(self) -> Self:
        if self.data.scenario is None:
            check_no_real_rows(self.supplies)
        return self


class SourcesConfig(CommonConfig):
    """Several tables instead of one."""

    sources: tuple[DataConfig, ...] = Field(min_length=1, max_length=1000)  # an entry may be the name of a source alone

    @field_validator("sources", mode="before")
    @classmethod
    def _spelled_out(cls, sources: object) -> object:
        if not isinstance(sources, (list, tuple)):
            return sources
        return [{"source": source} if isinstance(source, str) else source for source in sources]


class CompareConfig(SourcesConfig):
    """Strategies, each on every source and seed."""

    strategies: tuple[str, ...] = Field(default=("targeted", "untargeted"), min_length=1, max_length=100)
    seeds: tuple[Seed, ...] = Field(default=(0, 1, 2), min_length=1, max_length=10_000)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in self.strategies:
            check_name("strategies", name, STRATEGIES)
        for key, instead in (("strategy", "strategies"), ("seed", "seeds")):
            if key in self.loop.model_fields_set:
                raise ConfigError(
                    f"a comparison takes {instead} as a list, got loop.{key} {getattr(self.loop, key)!r}: move it."
                )
        for key in ("sources", "strategies", "seeds"):
            given = getattr(self, key)
            if any(value in given[:position] for position, value in enumerate(given)):
                raise ConfigError(f"{key} must differ from each other, got {list(map(str, given))}: name each once.")
        cells = len(self.sources) * len(self.strategies) * len(self.seeds)
        if cells > MOST_CELLS:
            raise ConfigError(f"a comparison must have at most {MOST_CELLS:,} cells, got {cells:,}: name fewer seeds.")
        return self

    def runs(self) -> list[RunConfig]:
        """Return the configurations of all cells."""
        return [
            self.run_of(source, strategy, seed)
            for source in self.sources
            for seed in self.seeds
            for strategy in self.strategies
        ]

    def run_of(self, source: DataConfig, strategy: str, seed: int) -> RunConfig:
        """Return the configuration of one cell; the other arms are fitted once, beside the first strategy."""
        common = {name: getattr(self, name) for name in CommonConfig.model_fields}
        loop = self.loop.model_copy(update={"strategy": strategy, "seed": seed})
        first = strategy == self.strategies[0]
        # The strategy `untargeted` is this very arm: as both it would count twice.
        own = {"untargeted": False} if "untargeted" in self.strategies else {}
        arms = self.arms.model_copy(update=own if first else {"run": False})
        return RunConfig.model_construct(**{**common, "data": source, "loop": loop, "arms": arms})
