"""Names of the arms of a comparison, and the names by which a configuration asks for a model to be delivered."""

REAL_ONLY, TUNED, UNTARGETED = "real only", "real only, tuned", "untargeted"
LOOP = "loop: "  # before the strategy, in the name of a loop's own learner
TARGETED, TEACHER = f"{LOOP}targeted", "teacher itself"
SMOTE = "SMOTE"
CHEAP = (TUNED, "class weight", "random oversampling", SMOTE, UNTARGETED)  # alternatives beside plain models
WITH_STATED = "best plain, stated"  # the best plain model, taught what a rule book states
MEAN = "mean of trees"
PLAIN_KINDS = (
    *("XGBoost", "XGBoost, shallow", "XGBoost, 80 %", "logistic regression", "extra trees", "random forest"),
    *("MLP", "CatBoost", "LightGBM", MEAN),
)
BEST_PLAIN, DELIVERED = "best plain", "delivered"  # roles that arms play, in comparisons
ONLY_PLAIN = "the only plain model that was fitted"  # what is the best of no others is not called the best

AUTO = "auto"
SHORT = {"loop": LOOP, "teacher": TEACHER, "stated": WITH_STATED}
DELIVERABLE = (AUTO, *SHORT, "plain", REAL_ONLY, *PLAIN_KINDS)


def is_loop(name: str) -> bool:
    """Tell whether an arm of this name is the loop's own learner, of whatever strategy."""
    return name.startswith(LOOP)


def in_words(name: str) -> str:
    """Return what an arm is called in a sentence."""
    return f"the loop ({name.removeprefix(LOOP)})" if is_loop(name) else name
