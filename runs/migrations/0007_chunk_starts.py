from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0003_search"),
    ]

    operations = [
        migrations.AddField(
            model_name="chunk",
            name="processed_before",
            field=models.BigIntegerField(default=0, help_text="Trials of the run that were stored when it was taken."),
        ),
        migrations.AddField(
            model_name="chunk",
            name="crashes_before",
            field=models.PositiveIntegerField(default=0, help_text="The run's crashes when it was taken."),
        ),
    ]
