from django import forms

from entries.models import Entry
from entries.photos import prepare


class EntryForm(forms.ModelForm):
    class Meta:
        model = Entry
        fields = ["name", "message", "photo"]
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "message": forms.Textarea(attrs={"rows": 4}),
            "photo": forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        }
        labels = {"photo": "A photo, if you like"}
        help_texts = {"photo": "JPEG, PNG or WebP, up to 5 MB."}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)

    def clean_photo(self):
        photo = self.cleaned_data.get("photo")
        return prepare(photo) if photo else photo
