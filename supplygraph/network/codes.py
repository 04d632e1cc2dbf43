"""ISO 3166-1 country codes, to check a country column and to help when it is wrong."""

from __future__ import annotations

import difflib
from functools import lru_cache

#: alpha-2 and alpha-3 of every ISO 3166-1 entry, and Kosovo (user-assigned XK, XKX, as the World Bank writes it).
_PAIRS = """
AFAFG AXALA ALALB DZDZA ASASM ADAND AOAGO AIAIA AQATA AGATG ARARG AMARM AWABW AUAUS ATAUT AZAZE BSBHS BHBHR BDBGD
BBBRB BYBLR BEBEL BZBLZ BJBEN BMBMU BTBTN BOBOL BQBES BABIH BWBWA BVBVT BRBRA IOIOT BNBRN BGBGR BFBFA BIBDI CVCPV
KHKHM CMCMR CACAN KYCYM CFCAF TDTCD CLCHL CNCHN CXCXR CCCCK COCOL KMCOM CGCOG CDCOD CKCOK CRCRI CICIV HRHRV CUCUB
CWCUW CYCYP CZCZE DKDNK DJDJI DMDMA DODOM ECECU EGEGY SVSLV GQGNQ ERERI EEEST SZSWZ ETETH FKFLK FOFRO FJFJI FIFIN
FRFRA GFGUF PFPYF TFATF GAGAB GMGMB GEGEO DEDEU GHGHA GIGIB GRGRC GLGRL GDGRD GPGLP GUGUM GTGTM GGGGY GNGIN GWGNB
GYGUY HTHTI HMHMD VAVAT HNHND HKHKG HUHUN ISISL ININD IDIDN IRIRN IQIRQ IEIRL IMIMN ILISR ITITA JMJAM JPJPN JEJEY
JOJOR KZKAZ KEKEN KIKIR KPPRK KRKOR KWKWT KGKGZ LALAO LVLVA LBLBN LSLSO LRLBR LYLBY LILIE LTLTU LULUX MOMAC MGMDG
MWMWI MYMYS MVMDV MLMLI MTMLT MHMHL MQMTQ MRMRT MUMUS YTMYT MXMEX FMFSM MDMDA MCMCO MNMNG MEMNE MSMSR MAMAR MZMOZ
MMMMR NANAM NRNRU NPNPL NLNLD NCNCL NZNZL NINIC NENER NGNGA NUNIU NFNFK MKMKD MPMNP NONOR OMOMN PKPAK PWPLW PSPSE
PAPAN PGPNG PYPRY PEPER PHPHL PNPCN PLPOL PTPRT PRPRI QAQAT REREU ROROU RURUS RWRWA BLBLM SHSHN KNKNA LCLCA MFMAF
PMSPM VCVCT WSWSM SMSMR STSTP SASAU SNSEN RSSRB SCSYC SLSLE SGSGP SXSXM SKSVK SISVN SBSLB SOSOM ZAZAF GSSGS SSSSD
ESESP LKLKA SDSDN SRSUR SJSJM SESWE CHCHE SYSYR TWTWN TJTJK TZTZA THTHA TLTLS TGTGO TKTKL TOTON TTTTO TNTUN TRTUR
TMTKM TCTCA TVTUV UGUGA UAUKR AEARE GBGBR USUSA UMUMI UYURY UZUZB VUVUT VEVEN VNVNM VGVGB VIVIR WFWLF EHESH YEYEM
ZMZMB ZWZWE XKXKX
"""
_BY_ALPHA2 = {pair[:2]: pair[2:] for pair in _PAIRS.split()}
#: Names that people write for a few countries whose code they do not give; the rest come from the facts.
_NAMES = {"usa": "USA", "u.s.": "USA", "us": "USA", "uk": "GBR", "eu": "", "congo": "COD", "drc": "COD",
          "dr congo": "COD", "south korea": "KOR", "russia": "RUS", "china": "CHN", "norway": "NOR", "namibia": "NAM",
          "germany": "DEU", "united states": "USA", "united kingdom": "GBR", "australia": "AUS"}  # fmt: skip
#: What statistics write for sums and rests; unknown is never a country.
TOTALS = frozenset({"TOT", "WLD", "OTH", "WLT", "ALL", "ROW", "SUM"})
TOTAL_NAMES = frozenset({"total", "world", "world total", "grand total", "all countries", "sum", "all", "totals",
                         "world total (rounded)", "other", "others", "other countries", "rest of world"})  # fmt: skip

ALPHA3 = frozenset(_BY_ALPHA2.values())


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Names for people -> alpha-3, from the bundled countries where they are there."""
    from supplygraph import errors, facts

    try:
        frame = facts.read("facts/countries.csv")
    except errors.UnknownNameError:
        return dict(_NAMES)
    return {str(n).casefold(): str(c) for c, n in zip(frame["country"], frame["name"], strict=True)} | _NAMES


def suggest(given: str) -> str:
    """Return what to write instead of a wrong code, as a remedy sentence; empty when nothing is near.

    >>> suggest("NO"), suggest("Norwya")
    ('Did you mean `NOR`?', 'Did you mean `NOR`?')
    """
    text = given.strip()
    upper = text.upper()
    if upper in TOTALS or text.casefold() in TOTAL_NAMES:
        return "A total or a rest is not a country: drop the row, or leave the country blank where it is unknown."
    if upper in _BY_ALPHA2:
        return f"Did you mean `{_BY_ALPHA2[upper]}`?"
    if upper in ALPHA3:
        return f"Did you mean `{upper}`?"
    names = _names()
    near = difflib.get_close_matches(text.casefold(), names, n=1, cutoff=0.7)
    if near and names[near[0]]:
        return f"Did you mean `{names[near[0]]}`?"
    near = difflib.get_close_matches(upper, sorted(ALPHA3), n=1, cutoff=0.6)
    return f"Did you mean `{near[0]}`?" if near else "Write the ISO 3166-1 alpha-3 code, or leave it blank if unknown."
