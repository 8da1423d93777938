"""`Bot.relevance_floor` was a cosine and is a confidence now (bots.knowledge.relevance)."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models

OLD_DEFAULT, NEW_DEFAULT = 0.35, 0.55


def _replace(apps, old, new):
    # What a member has set is left alone: both scales go from 0 (always answers) to 1 (never).
    apps.get_model("bots", "Bot").objects.filter(relevance_floor=old).update(relevance_floor=new)


def to_confidence(apps, schema_editor):
    _replace(apps, OLD_DEFAULT, NEW_DEFAULT)


def to_cosine(apps, schema_editor):
    _replace(apps, NEW_DEFAULT, OLD_DEFAULT)


class Migration(migrations.Migration):
    dependencies = [("bots", "0003_answering_depth")]

    operations = [
        migrations.AlterField(
            model_name="bot",
            name="relevance_floor",
            field=models.FloatField(
                default=NEW_DEFAULT,
                help_text=(
                    "How sure it must be that what was found belongs to the question: 0 to 1."
                ),
                validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
            ),
        ),
        migrations.RunPython(to_confidence, to_cosine),
    ]
