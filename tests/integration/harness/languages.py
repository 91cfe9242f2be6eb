"""Mail in twenty languages, in every charset and encoding that carries them.

letters() makes one message for each way in which a subject, a name and a text
may be written; what is in them is known, and the same for all of a language.
"""

import base64
import quopri

# Language: a subject, a name, a text, a word inside of it, and charsets by the
# names that Python knows; one that mail calls otherwise has that name behind a
# colon.  All fit all.
LANGUAGES = {
    "English": ("The minutes of Thursday’s meeting", "Zoë O’Brien",
                "We met at the café – résumés are attached", "résumés",
                ("utf-8", "cp1252", "cp1252:iso-8859-1")),
    "German": ("Größere Änderung für Frau Müller", "Jürgen Groß",
               "Die Straße führt über den Fluß", "straße",
               ("utf-8", "iso-8859-1", "cp1252", "cp850:cp-850",
                "mac_roman:macintosh", "utf-7")),
    "French": ("Réunion reportée à l’été", "Zoé Lefèvre",
               "Le garçon a été reçu à Noël", "garçon",
               ("utf-8", "cp1252", "mac_roman:macintosh")),
    "Spanish": ("Mañana por la mañana", "José Peña",
                "El año próximo será mejor", "próximo",
                ("utf-8", "iso-8859-1", "iso-8859-15", "cp437:ibm437")),
    "Polish": ("Zażółć gęślą jaźń", "Łukasz Żak",
               "Proszę o potwierdzenie wysyłki książek", "wysyłki",
               ("utf-8", "iso-8859-2", "cp1250", "cp852")),
    "Czech": ("Příliš žluťoučký kůň", "Jiří Dvořák",
              "Dobrá káva a čerstvé pečivo", "čerstvé",
              ("utf-8", "iso-8859-2", "cp1250")),
    "Turkish": ("Değişiklik için görüşme", "Gökçe Işık",
                "Şehirde yağmur çok yağıyor", "yağmur",
                ("utf-8", "iso-8859-9", "cp1254")),
    "Lithuanian": ("Žąsų ėdalas čia", "Jūratė Šimkienė",
                   "Ačiū už greitą atsakymą šiandien", "greitą",
                   ("utf-8", "iso-8859-13", "cp1257")),
    "Russian": ("Отчёт за третий квартал", "Мария Иванова",
                "Встреча состоится завтра вечером", "завтра",
                ("utf-8", "koi8-r", "cp1251:win-1251", "iso-8859-5",
                 "cp866:ibm866", "mac_cyrillic:x-mac-cyrillic")),
    "Ukrainian": ("Звіт про їхню роботу", "Ґалаґан Юрій",
                  "Зустріч відбудеться о шостій годині", "годині",
                  ("utf-8", "koi8-u", "cp1251")),
    "Greek": ("Πρόσκληση για αύριο", "Γιώργος Παπαδόπουλος",
              "Η συνάντηση θα γίνει στις εννέα", "συνάντηση",
              ("utf-8", "iso-8859-7", "cp1253")),
    "Hebrew": ("פגישה ביום חמישי", "דוד כהן",
               "נא לאשר את ההשתתפות בפגישה", "לאשר",
               ("utf-8", "iso-8859-8:iso-8859-8-i", "cp1255",
                "cp862:dos-862")),
    "Arabic": ("دعوة إلى الاجتماع", "محمد علي",
               "يرجى تأكيد الحضور قبل نهاية الأسبوع", "تأكيد",
               ("utf-8", "iso-8859-6", "cp1256")),
    "Hindi": ("बैठक का समय", "अनिल शर्मा",
              "कृपया कल तक उत्तर दें", "उत्तर",
              ("utf-8", "utf-16:unicode")),
    "Thai": ("ขอเชิญประชุมพรุ่งนี้", "สมชาย ใจดี",
             "กรุณายืนยันการเข้าร่วมประชุมภายในวันศุกร์", "ประชุม",
             ("utf-8", "tis-620", "cp874:windows-874")),
    "Vietnamese": ("Lịch họp tuần tới", "Nguyễn Văn Đức",
                   "Xin vui lòng xác nhận trước thứ sáu", "nhận",
                   ("utf-8", "utf-7:unicode-1-1-utf-7")),
    "Chinese": ("关于明年预算的通知", "王小明",
                "请各部门在周五之前提交采购申请", "采购申请",
                ("utf-8", "gb2312", "gbk", "gb18030")),
    "Taiwanese": ("關於明年預算的通知", "陳大文",
                  "請各部門在週五之前提交採購申請", "採購",
                  ("utf-8", "big5")),
    "Japanese": ("来週の会議のお知らせ", "山田 太郎",
                 "資料とデータを金曜日までに送ってください", "データ",
                 ("utf-8", "iso-2022-jp", "shift_jis:x-sjis", "euc-jp")),
    "Korean": ("다음주회의안내", "김철수",
               "금요일까지참석여부를알려주시기바랍니다", "참석여부",
               ("utf-8", "euc-kr:ks_c_5601-1987", "iso-2022-kr")),
}

# Charsets with a state, or of two octets, that stand in no header as they are.
NEVER_RAW = ("utf-7", "utf-16", "iso-2022-kr")


def _word(charset, encoding, octets):
    if encoding == "B":
        text = base64.b64encode(octets).decode()
    else:
        text = "".join(chr(octet) if chr(octet).isalnum() and octet < 128
                       else f"={octet:02X}" for octet in octets)
    return f"=?{charset}?{encoding}?{text}?=".encode()


def _pieces(text, codec, size):
    """A text in octets, by characters."""
    return [text[at:at + size].encode(codec)
            for at in range(0, len(text), size)]


def _by_octets(text, codec, size):
    """The same cut anywhere, also within a character."""
    octets = text.encode(codec)
    return [octets[at:at + size] for at in range(0, len(octets), size)]


def _has_state(codec):
    return codec.startswith(("iso-2022", "utf-7", "utf-16"))


def fields(text, codec, called):
    """All ways to write a field: (what it is called, octets)."""
    for encoding in "BQ":
        words = [_word(called, encoding, octets)
                 for octets in _pieces(text, codec, 5)]
        yield f"{encoding} folded", b"\r\n ".join(words)
        yield f"{encoding} in one line", b" ".join(words)
    yield "one word", _word(called, "B", text.encode(codec))
    if not _has_state(codec):
        words = [_word(called, "BQ"[index % 2], octets) for index, octets
                 in enumerate(_by_octets(text, codec, 7))]
        yield "cut within characters", b"\r\n ".join(words)
    if codec not in NEVER_RAW:
        yield "raw", text.encode(codec)


def _chunks(octets):
    """Base64 of two parts, each with its own padding."""
    middle = octets.find(b" ") + 1 or len(octets)
    return b"\r\n".join(base64.b64encode(half) + b"\r\n"
                        for half in (octets[:middle], octets[middle:])
                        if half)


def bodies(text, codec):
    """All ways to write a text: (encoding, octets)."""
    octets = text.encode(codec)
    yield b"base64", base64.encodebytes(octets).replace(b"\n", b"\r\n")
    if codec == "utf-16":
        return
    yield b"quoted-printable", quopri.encodestring(octets).replace(
        b"\n", b"\r\n")
    yield b"8bit", octets
    if not _has_state(codec):
        yield b"base64", _chunks(octets)


def letters(language):
    """(what it is, octets) for every way to write to one another in it."""
    subject, name, text, _, charsets = LANGUAGES[language]
    for charset in charsets:
        codec, _, called = charset.partition(":")
        called = called or codec
        texts = list(bodies(text, codec))
        names = dict(fields(name, codec, called))
        for index, (how, value) in enumerate(fields(subject, codec, called)):
            encoding, body = texts[index % len(texts)]
            yield f"{language} {called} {how}", (
                b"From: " + names[how] + b" <writer@example.org>\r\n"
                b"To: reader@example.net\r\nSubject: " + value + b"\r\n"
                b"MIME-Version: 1.0\r\n"
                b"Content-Type: text/plain; charset=" + called.encode()
                + b"\r\nContent-Transfer-Encoding: " + encoding
                + b"\r\n\r\n" + body + b"\r\n")
