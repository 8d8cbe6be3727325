"""What the name of a column or an array means: truth, id, predictions of a form, and of which rows."""

from __future__ import annotations

import re
from typing import Literal, cast

Role = Literal[
    "labels", "ids", "groups", "weights", "choices", "classes", "outputs", "names", "split",
    "probs", "logits", "log_probs", "predictions", "values", "mean", "variance", "log_variance", "top1", "ignored",
]  # fmt: skip
Half = Literal["", "val", "test", "train"]
"""Which rows a name speaks of; empty where it does not say."""

PREDICTIVE: tuple[Role, ...] = ("log_probs", "logits", "probs", "predictions", "values", "top1")
"""Roles of predictions; of several in one file the first is taken."""

_HALVES: dict[str, Half] = {
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval", "oof", "cv", "holdout", "heldout"), "val"),
    **dict.fromkeys(("test", "tst", "testing", "testset"), "test"),
    **dict.fromkeys(("train", "training", "trn"), "train"),
}

_TABLE = """
labels: label labels label_id label_ids truth true target targets y y_true ytrue true_y y_label y_labels
    ground_truth ground_truths groundtruth groundtruths gt gts gold golds gold_label actual actuals true_label
    true_labels labels_true true_class class_true true_target true_targets true_value true_values class_label
    class_labels class class_id expected reference references answer answers observed outcome outcomes correct_label
    solution label_true target_label target_true real_label real y_real y_gt y_actual obs
ids: id ids row_id row_ids row_index sample_id sample_ids example_id image_id img_id image_name img_name image img
    image_path img_path filename file_name filenames file path filepath file_path index idx indices sample_index
    sample_idx data_idx example_idx uid uuid guid key keys name row unnamed_0 item_id record_id passengerid
    instance_id question_id case_id patient_row sample
probs: prob probs proba probas probability probabilities y_prob y_probs y_proba pred_prob pred_probs pred_proba
    pred_probas predicted_probability predicted_probabilities prediction_probs prediction_proba predict_proba
    softmax softmaxes softmax_probs softmax_scores softmax_outputs softmax_preds posterior posteriors class_probs
    class_probabilities prob_predictions probs_pred prob_pred proba_pred p sigmoid confidences
logits: logit logits raw_logits pred_logits y_logits all_logits logits_pred output_logits
log_probs: log_prob log_probs logprob logprobs log_softmax log_probability log_probabilities log_proba
    predict_log_proba logp logps log_p log_likelihoods
predictions: pred preds prediction predictions predicted y_pred ypred y_preds y_predicted y_hat yhat y_score
    y_scores output outputs score scores oof oof_pred oof_preds model_output model_outputs result results pred_y
    preds_all all_preds all_predictions arr_0 y_predictions forecast forecasts estimate estimates submission
top1: pred_class pred_label pred_labels predicted_class predicted_classes predicted_label predicted_labels
    predicted_label_id pred_id pred_ids pred_idx class_pred label_pred y_pred_class y_pred_label argmax top1
    predicted_target hard_pred hard_preds prediction_label pred_cls pred_name
values: value values
mean: mean means mu
variance: variance variances var sigma2
log_variance: log_variance log_variances logvar log_var
classes: classes class_names classnames label_names target_names categories
names: names model_names model models member members member_names model_name member_name estimator classifier
groups: group groups
weights: weight weights sample_weight sample_weights
outputs: outputs_names output_names
split: split subset partition phase
ignored: fold folds kfold fold_id cv_fold seed epoch step correct is_correct loss losses confidence conf max_prob
    entropy x features feature embeddings embedding inputs images data x_input tokens text sentence fname_len time
    timestamp runtime metrics accuracy
"""
"""Names by the role that they have, in lower case, their words joined by `_`."""


def _roles() -> dict[str, Role]:
    found: dict[str, Role] = {}
    for line in re.sub(r"\n +", " ", _TABLE.strip()).splitlines():
        role, _, names = line.partition(": ")
        found.update(dict.fromkeys(names.split(), cast(Role, role)))
    return found


_ROLES = _roles()


def words_of(name: str) -> list[str]:
    """Words of a name in lower case: `yTrue`, `y-true` and `Y_TRUE` have the same."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name) if not name.isupper() else name
    return [word for word in re.split(r"[^a-z0-9]+", apart.lower()) if word]


def half_of(name: str) -> tuple[Half, str]:
    """Which rows a name speaks of, and the name without that: `y_test` are the `y` of test rows.

    A name that says nothing else, as `oof`, is left whole.
    """
    words = words_of(name)
    places = [place for place in (0, len(words) - 1) if words and words[place] in _HALVES]
    if not places:
        places = [place for place, word in enumerate(words) if word in _HALVES]
    if not places:
        return "", name
    place = places[0] if len(words) == 1 else places[-1] if places[-1] else places[0]
    rest = "_".join(word for at, word in enumerate(words) if at != place)
    return _HALVES[words[place]], rest


def role_of(name: str) -> Role | None:
    """What a name means, of whatever rows; None where it says nothing."""
    words = words_of(name)
    found = _ROLES.get("_".join(words)) or _ROLES.get("".join(words))
    if found is not None:
        return found
    half, rest = half_of(name)
    if half and not rest:
        return "predictions"
    return _ROLES.get(rest) or _ROLES.get(rest.replace("_", "")) if half else None
