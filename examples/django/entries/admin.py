from django.contrib import admin
from django.utils.html import format_html

from entries.models import Entry


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    list_display = ["name", "beginning", "thumbnail", "written_at", "hidden"]
    list_filter = ["hidden", "written_at"]
    search_fields = ["name", "message"]
    readonly_fields = ["thumbnail", "written_at"]
    date_hierarchy = "written_at"
    actions = ["hide", "show"]

    @admin.display(description="entry")
    def beginning(self, entry):
        return entry.message if len(entry.message) <= 80 else entry.message[:80] + "…"

    @admin.display(description="photo")
    def thumbnail(self, entry):
        return format_html('<img src="{}" alt="" height="48">', entry.photo.url) if entry.photo else "–"

    @admin.action(description="Hide the chosen entries from visitors")
    def hide(self, request, entries):
        self.message_user(request, f"Hidden: {entries.update(hidden=True)}")

    @admin.action(description="Show the chosen entries to visitors")
    def show(self, request, entries):
        self.message_user(request, f"Shown: {entries.update(hidden=False)}")
