"""Forms for question-answers: one by one, or from a file."""

from __future__ import annotations

from django import forms

from ingestion.question_answers import MAX_ANSWER_CHARS, MAX_LINK_CHARS, MAX_QUESTION_CHARS


class QuestionAnswerForm(forms.Form):
    question = forms.CharField(
        max_length=MAX_QUESTION_CHARS,
        widget=forms.TextInput(attrs={"placeholder": "When are you open?"}),
        help_text="As visitors would ask. The bot understands it in other words too.",
    )
    answer = forms.CharField(
        max_length=MAX_ANSWER_CHARS,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="Plain text or Markdown.",
    )
    url = forms.CharField(
        required=False,
        max_length=MAX_LINK_CHARS,
        label="Link (optional)",
        widget=forms.TextInput(
            attrs={"inputmode": "url", "autocapitalize": "none", "spellcheck": "false"}
        ),
        help_text="Where visitors can read more. Citations point there.",
    )
    is_enabled = forms.BooleanField(required=False, initial=True, label="The bot answers from this")


class ImportForm(forms.Form):
    file = forms.FileField(
        allow_empty_file=True,  # so that the refusal is ours
        label="CSV file",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
    )
