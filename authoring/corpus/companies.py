"""The invented companies: names, habits of reporting, and the things only they own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from authoring.corpus.random_choices import Draw

COMPANIES = 140
YEARS = range(1999, 2020)
WINDOW = 8

_STARTS = (  # noqa: SIM905
    "Hal Bre Cor Dun Eld Far Gal Hest Ister Jor Kel Lan Mar Nor Oster Pel Quin Ral Sel Tar "
    "Ulver Ver Wen Yar Zel Ald Ben Cal Dor Emb Fen Gren Hol Ing Kar Lor Mel Nev Orr Pra "
    "Rud Stan Thal Und Val Wes Aver Bram Crom Drax"
).split()
_ENDS = (  # noqa: SIM905
    "vern cton mere lade wick stow bury ridge holt dane more lyn sted gate worth combe aden "
    "iston essa ovar antis urst elle inga ondra efield astra oway elby illon orne amar"
).split()
_SUFFIXES = ("Inc.", "Corporation", "Company", "Holdings, Inc.", "Group, Inc.", "Ltd.")


@dataclass(frozen=True)
class Sector:
    """A line of business and the words that its filings use."""

    name: str
    second_names: tuple[str, ...]
    segments: tuple[str, ...]
    products: tuple[str, ...]
    customers: tuple[str, ...]
    plants: tuple[str, ...]


def _sector(name: str, *columns: str) -> Sector:
    return Sector(name, *(tuple(column.split(", ")) for column in columns))


SECTORS = (
    _sector(
        "industrial",
        "Industries, Machinery, Controls, Fluid Systems",
        "flow control, motion systems, filtration, engineered castings, aftermarket services, "
        "process instruments",
        "pumps and valves, precision bearings, filter housings, gear drives",
        "equipment makers, municipal utilities, refiners, mining operators",
        "foundry, machining plant, assembly works",
    ),
    _sector(
        "energy",
        "Energy, Petroleum, Resources, Gas",
        "exploration and production, midstream, refining, gas marketing, oilfield services, "
        "power generation",
        "crude oil, natural gas liquids, diesel and jet fuel, pipeline capacity",
        "utilities, airlines, refiners, wholesale distributors",
        "gas plant, terminal, compressor station",
    ),
    _sector(
        "banking",
        "Bancorp, Financial, Bancshares, Trust",
        "commercial banking, consumer banking, wealth management, mortgage banking, "
        "asset servicing, capital markets",
        "commercial loans, home equity lines, deposit accounts, custody services",
        "small businesses, households, institutional clients, municipalities",
        "operations center, processing center, data center",
    ),
    _sector(
        "insurance",
        "Insurance Group, Assurance, Casualty, Re",
        "property and casualty, life and annuity, reinsurance, specialty lines, group benefits, "
        "claims services",
        "homeowners policies, surety bonds, term life policies, excess liability covers",
        "brokers, employers, contractors, cedants",
        "claims center, service center, operations center",
    ),
    _sector(
        "technology",
        "Technologies, Semiconductor, Networks, Software",
        "data storage, analog devices, cloud services, network security, licensing, "
        "professional services",
        "mixed-signal chips, storage arrays, security gateways, subscription software",
        "device makers, carriers, enterprises, public agencies",
        "wafer plant, design center, test facility",
    ),
    _sector(
        "health",
        "Therapeutics, Medical, Laboratories, Health",
        "orthopedics, diagnostics, cardiovascular, specialty pharma, dental products, "
        "hospital services",
        "knee implants, blood analyzers, infusion pumps, branded drugs",
        "hospitals, physicians, pharmacy chains, group purchasers",
        "laboratory, sterile fill plant, distribution center",
    ),
    _sector(
        "consumer",
        "Foods, Brands, Household Products, Beverage",
        "packaged meals, snacks, home care, personal care, beverages, pet nutrition",
        "frozen meals, laundry detergents, bottled teas, baked snacks",
        "grocers, club stores, drugstore chains, food-service distributors",
        "bakery, bottling plant, packing plant",
    ),
    _sector(
        "transport",
        "Logistics, Railways, Freight, Air Lines",
        "intermodal, truckload, rail, contract logistics, air cargo, express parcels",
        "container moves, dedicated fleets, bulk rail service, overnight parcels",
        "retailers, farm shippers, automakers, chemical producers",
        "rail yard, sorting hub, maintenance base",
    ),
    _sector(
        "utility",
        "Power, Electric, Water Works, Utilities",
        "electric distribution, gas distribution, generation, transmission, water services, "
        "energy trading",
        "retail electricity, firm gas delivery, transmission rights, treated water",
        "residential customers, industrial users, cooperatives, wholesale buyers",
        "generating station, substation, treatment works",
    ),
    _sector(
        "materials",
        "Chemical, Paper, Packaging, Metals",
        "coatings, printing papers, corrugated packaging, industrial gases, specialty resins, "
        "aluminum products",
        "protective coatings, uncoated papers, corrugated boxes, merchant gases",
        "builders, converters, steel makers, consumer goods companies",
        "mill, coating plant, smelter",
    ),
)


@dataclass(frozen=True)
class Company:
    """One fictional filer and its habits, which all of its pages keep."""

    number: int
    ticker: str
    name: str
    alias: str
    sector: Sector
    segments: tuple[str, str, str]
    year_end: str
    unit: str  # "millions" or "thousands": what one in a table stands for
    decimals: int  # digits after the point in its tables
    newest_first: bool
    first_year: int
    scale: int  # revenue of the first year, in dollars of `unit`
    brand: str
    program: str
    target: str  # the business that it acquired
    place: str  # the town of its best-known plant
    partner: str

    @property
    def years(self) -> range:
        return range(self.first_year, self.first_year + WINDOW)

    @property
    def fiscal(self) -> bool:
        return self.year_end != "December 31"

    @property
    def target_year(self) -> int:
        return self.first_year + 1 + self.number % (WINDOW - 3)


@lru_cache(maxsize=4)
def companies(seed: int) -> tuple[Company, ...]:
    """The companies of one seed, by number; names and tickers are all different."""
    names = _invented_names(seed)
    taken: set[str] = set()
    found = []
    for number in range(COMPANIES):
        own = names[number * 6 : number * 6 + 6]
        ticker = _ticker(own[0], taken)
        taken.add(ticker)
        found.append(_company(seed, number, ticker, own))
    return tuple(found)


def _company(seed: int, number: int, ticker: str, own: list[str]) -> Company:
    draw = Draw(seed, "company", number)
    sector = SECTORS[number % len(SECTORS)]
    alias, brand, program, target, place, partner = own
    millions = draw.chance(65)
    segments = draw.sample(sector.segments, 3)
    return Company(
        number=number,
        ticker=ticker,
        name=f"{alias} {draw.choice(sector.second_names)} {draw.choice(_SUFFIXES)}",
        alias=alias,
        sector=sector,
        segments=(segments[0], segments[1], segments[2]),
        year_end="December 31"
        if draw.chance(70)
        else draw.choice(("June 30", "September 30", "January 31", "October 31")),
        unit="millions" if millions else "thousands",
        decimals=1 if millions and draw.chance(35) else 0,
        newest_first=draw.chance(82),
        first_year=draw.weighted(
            [YEARS.start + n for n in range(len(YEARS) - WINDOW + 1)],
            [1, 1, 1, 2, 3, 4, 5, 5, 5, 4, 4, 3, 2, 2],
        ),
        scale=draw.between(2_000, 30_000) if millions else draw.between(400_000, 6_000_000),
        brand=brand,
        program=program,
        target=f"{target} {draw.choice(('Partners', 'Systems', 'Works', 'Labs', 'Brothers'))}",
        place=place,
        partner=partner,
    )


def _invented_names(seed: int) -> list[str]:
    names = [start + end for start in _STARTS for end in _ENDS if start[-1] != end[0]]
    return Draw(seed, "names").sample(names, COMPANIES * 6)


def _ticker(alias: str, taken: set[str]) -> str:
    """The first free four or three letters of the name, in order, that no real filer uses."""
    letters = alias.upper()
    for a in range(1, len(letters)):
        for b in range(a + 1, len(letters)):
            for c in range(b + 1, len(letters)):
                ticker = letters[0] + letters[a] + letters[b] + letters[c]
                if ticker not in taken and ticker not in REAL_TICKERS:
                    return ticker
    raise ValueError(f"no free ticker is left for {alias!r}; change the invented names")


REAL_TICKERS = frozenset(  # what the author knew of; 4 letters, as the invented ones have
    """
    AAPL ABBV ABMD ACGL ACLS ADBE AEIS ALGN ALGT ALLE ALLY AMAT AMCR AMED AMGN AMKR AMZN ANET
    ANGI ANSS APTV ARCB ARCC ARES ARNC ARWR ASGN ATVI AVGO AVNT AVTR AYRO BALL BAND BBWI BDSX
    BERY BIDU BIIB BILL BKNG BLDR BLMN BMRN BOOT BOXC BRBR BRKR BURL BYND CACC CALM CALX CARA
    CARG CARR CARS CASH CBOE CBRE CBRL CCEP CCMP CDNS CDNA CDRE CENX CERN CHDN CHEF CHRW CHTR
    CINF CLNE CMCS CMPR CMTL CNXC COHR COHU COIN COKE COLB COLM COMM COOP CORE CORT COST CPRI
    CPRT CREE CROX CRSP CRUS CSCO CSGP CSGS CSWI CTAS CTSH CTRA CTVA CVBF CVNA CVLT CZNC DAKT
    DBRG DDOG DELL DENN DINO DIOD DISH DLTR DOCU DORM DRVN DXCM EBAY EBIX ECHO ECPG EGBN ELAN
    ENOV ENPH ENSG EPAM EQIX ERIE ESPR ETSY EVBG EVER EVRG EXAS EXEL EXPD EXPE EXLS FANG FARO
    FAST FBNC FELE FFIN FISV FITB FIVE FIVN FIZZ FLEX FLIC FLWS FMBI FORM FORR FOXA FRPT FSLR
    FTDR FTNT FTRE GALT GBCI GDOT GERN GILD GLNG GLPI GLRE GMED GNRC GNTX GOGO GOLF GOOG GPRE
    GPRO GRBK GRMN GRPN GTLS HAIN HALO HAYN HBAN HCAT HELE HIBB HIIQ HLIT HLNE HOLX HOMB HONE
    HOPE HQYI HSIC HSII HTLD HTLF HUBG HUBS HURN HZNP IART IBKR IBOC IBTX ICLR ICUI IDXX ILMN
    IMKT INCY INDB INFO INGN INGR INSM INSP INTC INTU INVA IONS IPAR IPGP IRBT IRDM IRTC ISRG
    ITRI JACK JAZZ JBHT JBLU JKHY JOUT KALU KELY KFRC KIDS KLAC KLIC KNSL KRNT KTOS LAMR LAND
    LANC LASR LECO LEVI LFUS LGIH LGND LIVN LKFN LKQX LMAT LNTH LOGI LOPE LORL LPLA LPSN LRCX
    LSCC LSTR LULU LUMN LYFT LYTS MANH MANT MARA MASI MATW MATX MBUU MCHP MCRI MDLZ MEDP MEDX
    MELI META MGEE MGLN MGNX MGPI MGRC MIDD MKSI MKTX MMSI MNRO MNST MODN MORN MPWR MRCY MRNA
    MRTN MRVL MSCI MSFT MSTR MTCH MTSI MTRN MYGN MYRG NARI NATI NBIX NCNO NDAQ NDSN NEOG NFLX
    NKLA NKTR NOVT NTAP NTCT NTNX NTRA NTRS NTLA NVAX NVDA NVEC NVRO NWSA NXPI NXST ODFL OFIX
    OKTA OLED OLLI OMCL ONTO OPCH ORCL ORLY OSIS OSUR OTEX OTIS OZRK PACW PANW PARA PATK PAYC
    PAYX PBCT PCAR PCTY PEGA PENN PLAB PLAY PLCE PLMR PLNT PLUS PLXS PODD POOL POST POWI POWL
    PRAA PRFT PRGS PTON PYPL QCOM QDEL QLYS QRVO RACE RARE RBCN RCKT RDFN REAL REGI REGN REPL
    RIOT RIVN RLJE RMBS RMNI ROAD ROCK ROKU ROST RUSH RVLV SABR SAFM SAGE SAIA SANM SBAC SBNY
    SBUX SCHL SCHW SEIC SELB SFBS SFNC SGEN SGMO SGRY SHAK SHEN SHLX SIGI SIRI SITE SITM SIVB
    SKYW SLAB SLGN SMCI SMPL SMTC SNAP SNBR SNDR SNPS SNEX SOLV SONO SPLK SPSC SPWR SRCL SRPT
    SSNC SSRM STAA STAG STBA STEP STLD STRA STRL STWD STZB SWAV SWKS SYKE SYNA SYNH TALO TARO
    TARS TBBK TCBI TDOC TEAM TECH TELL TENB TERN TEVA TILE TITN TMUS TNDM TOWN TPTX TREE TREX
    TRIP TRMB TRMK TROW TRUP TRVG TSCO TSLA TTEC TTEK TTWO TWLO TXRH TZOO UBER UBSI UCTT UFPI
    ULTA UMBF UNFI UPLD UPWK URBN USLM VALE VCEL VCYT VEEV VERI VERX VIAV VICR VIRT VITL VLYC
    VRNS VRNT VRRM VRSK VRSN VRTX VSAT VSTO WABC WAFD WDAY WDFC WELL WERN WEST WHLR WING WIRE
    WMGI WOLF WOOF WSBC WSFS WTFC WTRG WWDV WYNN XOMA XPEL XRAY YELP YETI ZBRA ZION ZUMZ
    HOLN KELL VALN WEND NORD MARK ORRF BREA RAVN LORD MELD HALL DORN QUIN
    """.split()  # noqa: SIM905
)
