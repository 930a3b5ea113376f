from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("evaluation", "0010_note_who_looked_at_a_case"),
    ]

    operations = [
        migrations.AddField(
            model_name="cirun",
            name="arriving",
            field=models.BooleanField(db_default=False),
        ),
    ]
