"""Names of the arms of a comparison, and the names by which a configuration asks for a model to be delivered."""

REAL_ONLY, TUNED, UNTARGETED = "real only", "real only, tuned", "untargeted"
TARGETED, TEACHER = "targeted", "teacher itself"
CHEAP = (TUNED, "class weight", "random oversampling", "SMOTE", UNTARGETED)  # alternatives beside plain models
WITH_STATED = "best plain, stated"  # the best plain model, taught what a rule book states
MEAN = "mean of trees"
PLAIN_KINDS = (
    *("XGBoost", "XGBoost, shallow", "XGBoost, 80 %", "logistic regression", "extra trees", "random forest"),
    *("MLP", "CatBoost", "LightGBM", MEAN),
)
BEST_PLAIN, DELIVERED = "best plain", "delivered"  # roles that arms play, in comparisons

AUTO = "auto"
SHORT = {"loop": TARGETED, "teacher": TEACHER, "stated": WITH_STATED}
DELIVERABLE = (AUTO, *SHORT, "plain", REAL_ONLY, *PLAIN_KINDS)
