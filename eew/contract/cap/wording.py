"""The few words that CAP asks for beyond an event's texts and a help card, by language."""

from dataclasses import dataclass

__all__ = ["CapWording", "wording_of"]


@dataclass(frozen=True, slots=True)
class CapWording:
    """One language."""

    event: str
    #: Before the texts of a report that is not marked as an exercise or a test: what is replayed was real once.
    mark: str
    sender_name: str
    notice: str
    #: With ``radius_km`` and ``place``.
    circle: str
    #: With ``place``: the region around a fault is no circle.
    region: str
    #: Where the report names no place.
    no_place: str


_ENGLISH = CapWording(
    event="Earthquake",
    mark="SIMULATION: ",
    sender_name="eew simulator, not a warning service",
    notice="This is a simulation. It does not come from a warning service.",
    circle="Within {radius_km} km of: {place}",
    region="Around the fault near: {place}",
    no_place="the epicentre",
)

_BY_LANGUAGE = {
    "en": _ENGLISH,
    "es": CapWording(
        event="Sismo",
        mark="SIMULACIÓN: ",
        sender_name="Simulador eew, no es un servicio de alerta",
        notice="Esto es una simulación. No procede de un servicio de alerta.",
        circle="A menos de {radius_km} km de: {place}",
        region="Alrededor de la falla, cerca de: {place}",
        no_place="el epicentro",
    ),
    "ja": CapWording(
        event="地震",
        mark="【シミュレーション】",
        sender_name="eewシミュレーター（警報機関ではありません）",
        notice="これはシミュレーションです。警報機関からの情報ではありません。",
        circle="{place}から{radius_km} km以内",
        region="{place}付近の断層の周辺",
        no_place="震央",
    ),
    "tr": CapWording(
        event="Deprem",
        mark="SİMÜLASYON: ",
        sender_name="eew simülatörü, uyarı servisi değildir",
        notice="Bu bir simülasyondur. Bir uyarı servisinden gelmemektedir.",
        circle="En çok {radius_km} km uzaklıkta: {place}",
        region="Fayın çevresi: {place}",
        no_place="merkez üssü",
    ),
    "zh": CapWording(
        event="地震",
        mark="【模拟】",
        sender_name="eew模拟器（不是预警机构）",
        notice="这是模拟信息，不来自预警机构。",
        circle="距{place}{radius_km}公里以内",
        region="{place}附近断层周围",
        no_place="震中",
    ),
    "zh-Hant": CapWording(
        event="地震",
        mark="【模擬】",
        sender_name="eew模擬器（不是預警機關）",
        notice="這是模擬訊息，不來自預警機關。",
        circle="距{place}{radius_km}公里以內",
        region="{place}附近斷層周圍",
        no_place="震央",
    ),
}
#: Where the traditional script is written, its tag or not.
_TRADITIONAL = ("zh-Hant", "zh-TW", "zh-HK", "zh-MO")


def wording_of(lang: str) -> CapWording:
    """Return the words of a language (BCP 47); English where there are none."""
    if lang.startswith(_TRADITIONAL):
        return _BY_LANGUAGE["zh-Hant"]
    return _BY_LANGUAGE.get(lang.split("-", maxsplit=1)[0].lower(), _ENGLISH)
