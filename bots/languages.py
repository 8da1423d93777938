"""The languages that a bot can be told to answer in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """`tag` is a BCP 47 language tag, `name` English, `native_name` how its speakers write it."""

    tag: str
    name: str
    native_name: str

    @property
    def label(self) -> str:
        if self.name == self.native_name:
            return self.name
        return f"{self.native_name} ({self.name})"


LANGUAGES = {
    tag: Language(tag, name, native_name)
    for tag, name, native_name in (
        ("ar", "Arabic", "العربية"),
        ("bg", "Bulgarian", "Български"),
        ("bn", "Bengali", "বাংলা"),
        ("ca", "Catalan", "Català"),
        ("cs", "Czech", "Čeština"),
        ("da", "Danish", "Dansk"),
        ("de", "German", "Deutsch"),
        ("el", "Greek", "Ελληνικά"),
        ("en", "English", "English"),
        ("es", "Spanish", "Español"),
        ("et", "Estonian", "Eesti"),
        ("eu", "Basque", "Euskara"),
        ("fa", "Persian", "فارسی"),
        ("fi", "Finnish", "Suomi"),
        ("fr", "French", "Français"),
        ("he", "Hebrew", "עברית"),
        ("hi", "Hindi", "हिन्दी"),
        ("hr", "Croatian", "Hrvatski"),
        ("hu", "Hungarian", "Magyar"),
        ("id", "Indonesian", "Bahasa Indonesia"),
        ("it", "Italian", "Italiano"),
        ("ja", "Japanese", "日本語"),
        ("ko", "Korean", "한국어"),
        ("lt", "Lithuanian", "Lietuvių"),
        ("lv", "Latvian", "Latviešu"),
        ("ms", "Malay", "Bahasa Melayu"),
        ("nb", "Norwegian Bokmål", "Norsk bokmål"),
        ("nl", "Dutch", "Nederlands"),
        ("pl", "Polish", "Polski"),
        ("pt", "Portuguese", "Português"),
        ("pt-BR", "Brazilian Portuguese", "Português do Brasil"),
        ("ro", "Romanian", "Română"),
        ("ru", "Russian", "Русский"),
        ("sk", "Slovak", "Slovenčina"),
        ("sl", "Slovenian", "Slovenščina"),
        ("sr", "Serbian", "Српски"),
        ("sv", "Swedish", "Svenska"),
        ("sw", "Swahili", "Kiswahili"),
        ("th", "Thai", "ไทย"),
        ("tr", "Turkish", "Türkçe"),
        ("uk", "Ukrainian", "Українська"),
        ("ur", "Urdu", "اردو"),
        ("vi", "Vietnamese", "Tiếng Việt"),
        ("zh-Hans", "Simplified Chinese", "简体中文"),
        ("zh-Hant", "Traditional Chinese", "繁體中文"),
    )
}
# By English name: what a select shows after "the question's own".
LANGUAGE_CHOICES = [
    (language.tag, language.label)
    for language in sorted(LANGUAGES.values(), key=lambda language: language.name)
]
