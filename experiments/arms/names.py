"""Names of the arms of a comparison, and the names by which a configuration asks for a model to be delivered."""

REAL_ONLY, TUNED, UNTARGETED = "real only", "real only, tuned", "untargeted"
TARGETED, TEACHER = "targeted", "teacher itself"
CHEAP = (TUNED, "class weight", "random oversampling", "SMOTE", UNTARGETED)  # alternatives beside plain models
MEAN = "mean of trees"
PLAIN_KINDS = (
    *("XGBoost", "XGBoost, shallow", "XGBoost, 80 %", "logistic regression", "extra trees", "random forest"),
    *("MLP", "CatBoost", "LightGBM", MEAN),
)
BEST_PLAIN, DELIVERED = "best plain", "delivered"  # roles that arms play, in comparisons

AUTO = "auto"
SHORT = {"loop": TARGETED, "teacher": TEACHER}
DELIVERABLE = (AUTO, *SHORT, "plain", REAL_ONLY, *PLAIN_KINDS)
