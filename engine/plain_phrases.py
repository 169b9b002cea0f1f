"""How people write yes, no and later, and what says nothing: what `engine.plain_words` reads answers with.

Only words live here, of all languages together, since people mix them. They are written as `plain_words` folds them:
lower case, without accents and apostrophes.
"""


def _phrases(text: str) -> tuple[str, ...]:
    """Read patterns that stand between slashes."""
    return tuple(phrase.strip() for phrase in text.split("/"))


_DO = "(?: come| help| make it| do it| do that| be there| start| join| work)"
_CANT = "(?:cant|cannot|can not|wont|will not|am not able to|im not able to|im unable to|unable to|not able to)"
_NOW_NL = "(?:deze keer |vandaag |vanavond )?"

# “si” without its accent is also “if”: it counts alone, or before what only a yes can have after it
YES = _phrases(
    rf"""si(?= (?:claro|gracias|por favor|por supuesto|vale|ok)\b|$)
    / ^y$ / ^j$ / yes / yep / yeah / yup / sure(?: thing)? / ok / okay / okey / oke / of course / absolutely
    / definitely / certainly / gladly / with pleasure / no problem / happy to(?: help)? / count me in / im in
    / (?:im )?on my way / omw / (?:im )?coming / accepted / agreed / i can(?: only| just)?{_DO}? / can(?: only)?{_DO}?
    / (?:i will|ill|will){_DO} / can do / will do / be there / (?:i am |im )?available
    / ja / jawel / jazeker / jep / prima / akkoord / zeker / natuurlijk / graag / is goed / komt goed / geen probleem
    / doe ik / komt in orde / ik kom / ik ben er / ik kan(?: komen| helpen)? / kan(?: komen| ik)? / (?:ik ben )?onderweg
    / ik doe mee
    / claro(?: que (?:yes|si))? / vale / de acuerdo / por supuesto / voy(?: en camino)? / ya voy
    / (?:yo )?puedo(?: ir| venir| ayudar| estar)? / cuenta conmigo / cuenten conmigo / sin problemas?
    / no hay problema / con gusto
    / sim / claro que sim / com certeza / (?:eu )?posso(?: ir| vir| ajudar)? / vou / sem problemas? / estou a caminho
    / jawohl / klar / na klar / gerne / naturlich / ich komme / ich kann(?: kommen| helfen)? / kein problem
    / einverstanden / bin dabei
    / oui / daccord / bien sur / volontiers / jarrive / je viens / je peux(?: venir| aider)? / pas de probleme
    / avec plaisir"""
)

NO = _phrases(
    rf"""^n$ / no / nope / nah / no thanks / no thank you / no can do / not this time / not today / not tonight
    / (?:id )?rather not / (?:im )?afraid not / (?:of course|certainly|absolutely|definitely|unfortunately) not
    / count me out / i decline / declined / (?:i )?{_CANT}{_DO}?(?: it)?(?: today| tonight| this time)?
    / (?:i am |im )?not available / unavailable
    / nee / neen / liever niet / zeker niet / natuurlijk niet / helaas niet / deze keer niet / vandaag niet
    / vanavond niet / (?:ik )?(?:kan|kom) (?:ik )?(?:helaas )?{_NOW_NL}niet(?: komen| helpen)?
    / (?:dat |het )?lukt (?:me |mij )?(?:helaas )?{_NOW_NL}niet / niet beschikbaar
    / (?:hoy )?no puedo(?: ir| venir| ayudar)?(?: hoy| esta vez)? / no podre / esta vez no / hoy no / imposible
    / no gracias / me es imposible
    / nao / nao posso(?: ir| vir| ajudar)?(?: hoje| desta vez)? / desta vez nao / hoje nao / impossivel
    / nein / lieber nicht / diesmal nicht / heute nicht / leider nicht
    / (?:ich )?kann (?:ich )?(?:leider |heute )?nicht(?: kommen| helfen)?
    / non / pas cette fois / pas aujourdhui / je (?:ne )?peux pas(?: venir| aider)? / malheureusement pas / non merci"""
)

LATER = _phrases(
    """(?:but )?(?:a bit |a little )?later(?: on)? / (?:maar )?(?:iets |wat )?later / (?:pero )?(?:un poco )?mas tarde
    / (?:mas )?(?:um pouco )?mais tarde / (?:aber )?(?:etwas )?spater / (?:mais )?(?:un peu )?plus tard"""
)

FILLERS = _phrases(
    """please / pls / thanks / thank you / thanks a lot / thank you very much / many thanks / thx / cheers / sorry / hi
    / hello / hey / good (?:morning|afternoon|evening|night) / unfortunately / im afraid / then
    / hoor / alsjeblieft / aub / dank je(?: wel)? / dankjewel / dank u(?: wel)? / bedankt / hoi / hallo
    / goede ?morgen / goeden? ?avond / helaas / dan / komen / er zijn / daar zijn / beginnen / helpen
    / gracias / muchas gracias / por favor / hola / buenos dias / buenas(?: tardes| noches)? / lo siento / perdon
    / obrigad[oa] / ola / bom dia / boa (?:tarde|noite) / desculpe? / infelizmente
    / danke / vielen dank / bitte / guten (?:morgen|tag|abend) / leider / tut mir leid / kommen / da sein / dann
    / merci / merci beaucoup / sil (?:vous|te) plait / bonjour / bonsoir / desolee? / malheureusement / alors / venir"""
)

SIGNS = {
    **dict.fromkeys("👍👌✅✔🆗🙋", "yes"),
    **dict.fromkeys("👎❌🚫🙅", "no"),
    **dict.fromkeys("🙂😊😀😃😄🙏💪❤", ""),
}
"""Emoji → the word that they stand for."""

NAMED_SIGNS = {
    **dict.fromkeys(("+1", "thumbsup", "ok_hand", "white_check_mark", "heavy_check_mark", "ok"), "yes"),
    **dict.fromkeys(("-1", "thumbsdown", "x", "no_entry_sign", "no_good"), "no"),
    **dict.fromkeys(("slightly_smiling_face", "blush", "smile", "smiley", "pray", "muscle", "heart"), ""),
}
"""The same as chat writes them: `:+1:`."""
