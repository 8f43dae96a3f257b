"""What the doctor says: one sentence for each finding, with what to do, in both languages."""

from collections.abc import Mapping

from .misses import Miss

#: Kind of finding → Russian, English; ``{source}`` is the source's number.
SENTENCES: Mapping[str, tuple[str, str]] = {
    "repaired": (
        "С нынешними настройками подпись верна: примите доставку, manage.py doctor {source}"
        " --accept",
        "With the present settings the signature is right: take it, manage.py doctor {source}"
        " --accept",
    ),
    "clock": (
        "Время подписи отстоит на {minutes} мин. от нашего при верной подписи: настройте часы"
        " отправителя, а если их нет — не повторяйте старый запрос",
        "The signature is right, and its time is {minutes} min. from ours: set the sender's clock,"
        " or do not repeat an old request",
    ),
    "header": (
        "Нет заголовка {names}: включите у отправителя подпись, или прокси его отбрасывает",
        "There is no header {names}: switch signing on at the sender, or see which proxy drops it",
    ),
    "protocol": (
        "Отправитель подписал адрес с {theirs}, у нас он {ours}: исправьте адрес у отправителя"
        " или public_url источника",
        "The sender signed the address with {theirs}, ours is {ours}: correct it there, or the"
        " source's public_url",
    ),
    "slash": (
        "Адреса различаются чертой на конце: отправитель подписал {theirs}, у нас {ours};"
        " исправьте public_url источника или адрес у отправителя",
        "The addresses differ by the slash at the end: the sender signed {theirs}, ours is {ours};"
        " correct the source's public_url, or the address there",
    ),
    "query": (
        "Отправитель подписал адрес без строки запроса: {theirs}; уберите её из адреса или задайте"
        " его как public_url источника",
        "The sender signed the address without its query: {theirs}; drop the query, or set this"
        " as the source's public_url",
    ),
    "host": (
        "Отправитель подписал другой хост, {theirs}, у нас {ours}: задайте public_url источника"
        " или PUBLIC_URL так, как видит отправитель",
        "The sender signed another host, {theirs}, ours is {ours}: set the source's public_url or"
        " PUBLIC_URL as the sender sees it",
    ),
    "address": (
        "Отправитель подписал другой адрес этого источника: {theirs}; задайте его как public_url"
        " или замените у отправителя на {ours}",
        "The sender signed another address of this source: {theirs}; set it as public_url, or"
        " replace it there by {ours}",
    ),
    "ended": (
        "Подписано прежним секретом, который уже не действует: задайте отправителю новый, или"
        " верните прежний, manage.py source secret {source} --secret -",
        "Signed with a former secret that has ended: give the sender the new one, or take the"
        " former back, manage.py source secret {source} --secret -",
    ),
    "other": (
        "Подписано секретом другого источника, {name} (другая среда?): у отправителя указан не тот"
        " секрет или не тот адрес",
        "Signed with the secret of another source, {name} (another environment?): the sender has"
        " the wrong secret or the wrong address",
    ),
    "space": (
        "Секрет отличается пробелом или переводом строки: вставьте его заново без них,"
        " manage.py source secret {source} --secret -",
        "The secret differs by a space or a line end: paste it anew without, manage.py source"
        " secret {source} --secret -",
    ),
    "prefix": (
        "Секрет прочтён по-разному, с «whsec_» и без: вставьте его целиком, как показано,"
        " manage.py source secret {source} --secret -",
        'The secret is read in two ways, with "whsec_" and without: paste it whole, as shown,'
        " manage.py source secret {source} --secret -",
    ),
    "encoding": (
        "Подпись верна, но записана как {theirs}, а нужна {ours}: смените вид подписи в {header}"
        " у отправителя",
        "The signature is right and written as {theirs}, expected is {ours}: change the form of"
        " {header} at the sender",
    ),
    "rewritten": (
        "Тело переписано по дороге (другие пробелы или экранирование): найдите прокси или"
        " библиотеку, которая разбирает и собирает JSON заново, подпись — от исходных байт",
        "The body was rewritten on its way (other spaces or escapes): find the proxy or library"
        " that parses and writes JSON anew, the signature is of the original bytes",
    ),
    "heard": (
        "Адрес {address} не входит в allow_ips источника: добавьте его, manage.py source set"
        " {source} --setting allow_ips=…, если это ваш отправитель",
        "The address {address} is not in the source's allow_ips: add it, manage.py source set"
        " {source} --setting allow_ips=…, if it is your sender",
    ),
    "token": (
        "Доказательство пришло в заголовке, который не хранится ({detail}): сверьте секрет у"
        " отправителя или задайте новый, manage.py source rotate {source}",
        "The proof came in a header that is not kept ({detail}): compare the secret at the sender,"
        " or set a new one, manage.py source rotate {source}",
    ),
    "long": (
        "Тело в {size} байт слишком длинно для карантина: пошлите короткую доставку и повторите"
        " doctor",
        "A body of {size} bytes is too long for quarantine: send a short delivery and run doctor"
        " again",
    ),
    "secretless": (
        "У источника нет секрета: задайте его, manage.py source secret {source} --secret -",
        "The source has no secret: set it, manage.py source secret {source} --secret -",
    ),
    "unknown": (
        "Ни одна частая ошибка не подходит: сверьте секрет и адрес у отправителя, manage.py source"
        " list; если шлёт не он — это чужой запрос",
        "No common mistake fits: compare the sender's secret and address, manage.py source list;"
        " if it was not your sender, it was a stranger",
    ),
}


def sentence(miss: Miss, source: int) -> str:
    """Return what is wrong and what to do, in Russian and English."""
    facts = {**miss.facts, "source": source}
    return " / ".join(text.format(**facts) for text in SENTENCES[miss.kind])
