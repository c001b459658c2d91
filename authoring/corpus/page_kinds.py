# ruff: noqa: E501  (a row of a table is one line, however long)
"""The 24 kinds of page: what their tables hold, in labels and in a question's other words.

Row lines read `key | label / label | other words / other words | share swing flags`, where
share is per mille of revenue, swing the largest yearly change in percent, and the flags are
`less` (subtracted), `neg` (printed in parentheses), `opt` (some companies leave it out) and
`total` (what the lines above it come to).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Layout = Literal[
    "years",
    "roll",
    "schedule",
    "matrix",
    "graph",
    "months",
    "quarters",
    "options",
    "rates",
    "single",
]


@dataclass(frozen=True)
class Line:
    """One row of a kind."""

    key: str
    labels: tuple[str, ...]
    asks: tuple[str, ...]
    share: int
    swing: int
    flags: frozenset[str]


@dataclass(frozen=True)
class Category:
    """One column of a matrix: per mille of the row's amount, or 0 for the sum so far."""

    key: str
    headers: tuple[str, ...]
    ask: str
    weight: int


@dataclass(frozen=True)
class Kind:
    name: str
    weight: int
    layout: Layout
    subject: str
    intros: tuple[str, ...]
    lines: tuple[Line, ...]
    categories: tuple[Category, ...] = ()
    stock: bool = True  # an amount at a day, not over a year


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(" / "))


def _lines(text: str) -> tuple[Line, ...]:
    found = []
    for raw in text.strip().splitlines():
        key, labels, asks, numbers = (part.strip() for part in raw.split("|"))
        share, swing, *flags = numbers.split()
        line = Line(key, _split(labels), _split(asks), int(share), int(swing), frozenset(flags))
        found.append(line)
    return tuple(found)


def _categories(text: str) -> tuple[Category, ...]:
    found = []
    for raw in text.strip().splitlines():
        key, headers, ask, weight = (part.strip() for part in raw.split("|"))
        found.append(Category(key, _split(headers), ask, int(weight)))
    return tuple(found)


FAIR_VALUE = Kind(
    "fair value",
    10,
    "matrix",
    "assets measured at fair value",
    (
        "The following table presents the assets that we measure at fair value on a recurring "
        "basis as of {day}",
        "Assets carried at fair value on a recurring basis, by level of the valuation inputs, "
        "were as follows at {day}",
    ),
    _lines(
        """
mmf | money market funds / money market mutual funds | cash-like funds / liquidity funds | 60 20
ust | U.S. treasury securities / U.S. government securities | treasuries / federal government paper | 45 20 opt
agency | agency securities / U.S. agency obligations / government-sponsored enterprise debt | bonds of federal agencies / agency paper | 30 20 opt
corp | corporate bonds / corporate debt securities / corporate notes and bonds | company-issued bonds / debt issued by corporations | 50 18
muni | municipal bonds / state and municipal securities / tax-exempt securities | bonds of states and cities / local government debt | 24 18 opt
mbs | mortgage-backed securities / residential mortgage-backed securities | securitized home loans / pooled mortgages | 36 18 opt
equity | equity securities / marketable equity securities / common stocks | listed shares / stock investments | 20 22
hedge | derivative assets / foreign currency derivatives | hedging contracts in a gain position / currency hedges | 8 25 opt
deferred | deferred compensation plan assets / rabbi trust investments | assets set aside for executives / trust investments for deferred pay | 9 12 opt
total | total assets at fair value / total assets measured at fair value / total | everything carried at fair value / all assets carried at fair value | 0 0 total
"""
    ),
    _categories(
        """
1 | level 1 / quoted prices in active markets (level 1) | classified in level 1 | 520
2 | level 2 / significant other observable inputs (level 2) | classified in level 2 | 380
3 | level 3 / significant unobservable inputs (level 3) | classified in level 3 | 100
t | total / total fair value | in total | 0
"""
    ),
)

LEASES = Kind(
    "operating leases",
    8,
    "schedule",
    "future minimum lease payments",
    (
        "Future minimum lease payments under noncancelable leases as of {day} are as follows",
        "At {day}, minimum rental commitments under noncancelable leases were payable as follows",
    ),
    _lines(
        """
operating | operating leases / operating lease payments / minimum operating rentals | noncancelable operating rentals / operating rents still to pay | 14 14
capital | capital leases / capital lease obligations | finance-type leases / leases that were capitalized | 4 16 opt
sublease | sublease income / sublease rentals | rents to be received from subtenants / sublet income | 2 16 opt
"""
    ),
)

RESULTS = Kind(
    "results of operations",
    8,
    "years",
    "results of operations",
    (
        "The following table sets forth selected results of operations for the years ended "
        "{year_end}",
        "A summary of our consolidated results for the fiscal years presented follows",
    ),
    _lines(
        """
revenue | net sales / net revenues / total revenues | the top line / turnover | 1000 9
cost | cost of sales / cost of goods sold / cost of revenues | direct costs / manufacturing and purchase cost | 610 9 less
gross | gross profit / gross margin | sales less their direct costs / the margin after direct costs | 0 0 total
sga | selling, general and administrative expenses / selling and administrative expense / SG&A expense | overhead / selling and office costs | 170 9 less
rnd | research and development / research and product development expense | spending on new products / laboratory and design outlays | 35 10 less opt
amort | amortization of intangible assets / amortization expense | the yearly charge for acquired intangibles / write-down of intangibles over time | 12 10 less opt
restructuring | restructuring charges / restructuring and other charges | reorganization charges / costs of reorganizing | 10 25 less opt
operating | operating income / operating profit / income from operations | profit before interest and tax / earnings of the operations | 0 0 total
interest | interest expense / interest expense, net | the cost of borrowing / payments to lenders | 18 12 less
pretax | income before income taxes / earnings before taxes / income before provision for income taxes | pre-tax profit / profit before taxes | 0 0 total
"""
    ),
    stock=False,
)

SEGMENTS = Kind(
    "segments",
    7,
    "years",
    "net sales by segment",
    (
        "Net sales by reportable segment for the years ended {year_end} were as follows",
        "The table below shows revenues of each of our segments",
    ),
    _lines(
        """
seg0 | {segment0} / {segment0} segment | the {segment0} business / the {segment0} unit | 420 11
seg1 | {segment1} / {segment1} segment | the {segment1} business / the {segment1} unit | 330 11
seg2 | {segment2} / {segment2} segment | the {segment2} business / the {segment2} unit | 230 11
other | all other / corporate and other / other operations | activities outside the segments / the smaller operations | 30 15 opt
total | total net sales / total segment revenues / consolidated net sales / total | sales of all segments / revenue of the whole group | 0 0 total
elim | less: intersegment eliminations / less: intersegment sales / less: eliminations | sales between segments / internal sales | 22 15 less opt
elim.net | net sales to external customers / consolidated revenues | sales to outsiders / revenue from third parties | 0 0 total opt
"""
    ),
    stock=False,
)

DEBT = Kind(
    "debt",
    7,
    "years",
    "debt",
    (
        "Long-term debt consisted of the following at {day}",
        "Our outstanding borrowings at year end are summarized below",
    ),
    _lines(
        """
senior | senior notes / senior unsecured notes / unsecured senior notes | unsecured bonds / notes ranking first | 180 10
term | term loan / term loan facility / bank term loans | bank loans of fixed term / the bank's term credit | 90 14
revolver | revolving credit facility / revolving credit borrowings / borrowings under the revolver | drawings on the bank line / the revolver | 45 20 opt
cp | commercial paper / commercial paper borrowings | short-dated paper / unsecured short-term notes | 35 22 opt
convert | convertible notes / convertible subordinated notes | notes exchangeable into shares / equity-linked notes | 50 10 opt
irb | industrial revenue bonds / industrial development bonds | bonds issued through municipalities / tax-favored plant bonds | 12 8 opt
capital | capital lease obligations / capital leases | leases carried as debt / capitalized leases | 10 12 opt
other | other / other debt / other borrowings | sundry borrowings / miscellaneous loans | 9 15 opt
total | total debt / total borrowings / total long-term debt, including current portion | everything borrowed / all borrowings | 0 0 total
current | less: current maturities / less: current portion / less: amounts due within one year | the part due within a year / debt falling due next year | 30 22 less
long | long-term debt / total long-term debt / long-term debt, net of current portion | debt due after more than a year / borrowings beyond a year | 0 0 total
"""
    ),
)

INTANGIBLES = Kind(
    "intangible assets",
    7,
    "matrix",
    "intangible assets",
    (
        "The components of acquired intangible assets as of {day} were as follows",
        "Identifiable intangible assets subject to amortization at {day} consisted of the "
        "following",
    ),
    _lines(
        """
customer | customer relationships / customer lists / customer contracts and relationships | ties with buyers / acquired clientele | 70 9
tech | developed technology / technology and know-how / completed technology | acquired know-how / purchased technical know-how | 45 9
trade | trademarks and trade names / trade names / trademarks | acquired brand names / names and marks | 30 8
patents | patents / patents and licenses | protected inventions / rights to inventions | 18 8 opt
noncompete | non-compete agreements / covenants not to compete | promises not to compete / agreements barring competition | 6 12 opt
software | capitalized software / internal-use software | programs written or bought for own use / software on the books | 14 12 opt
backlog | order backlog / acquired backlog | orders acquired but not yet filled / purchased order books | 5 18 opt
total | total intangible assets / total amortizable intangible assets / total | all amortizable intangibles / the intangibles as a whole | 0 0 total
"""
    ),
    _categories(
        """
gross | gross carrying amount / gross amount / cost | before amortization | 1000
accumulated | accumulated amortization / less accumulated amortization | already amortized | -420
net | net carrying amount / net book value / net | after amortization | 0
"""
    ),
)

RESERVES = Kind(
    "reserves",
    7,
    "roll",
    "the allowance",
    (
        "Changes in the {reserve} for the years ended {year_end} were as follows",
        "The following is a reconciliation of the {reserve}",
    ),
    _lines(
        """
begin | balance at beginning of year / beginning balance / balance, beginning of period | opening balance / amount at the start of the year | 0 0
add | provisions / additions charged to expense / charged to costs and expenses | new accruals / amounts charged to earnings | 14 18
acquired | acquisitions / acquired balances / from acquisitions | amounts that came with acquired businesses / balances taken over | 2 20 opt
deduct | claims paid / deductions / utilization / payments and write-offs | amounts used up / charges against the balance | 12 18 less
fx | currency translation / foreign exchange / translation adjustments | exchange rate effects / the effect of currencies | 1 20 less opt
end | balance at end of year / ending balance / balance, end of period | closing balance / amount at the end of the year | 0 0
"""
    ),
    stock=False,
)

PENSION = Kind(
    "pension",
    5,
    "years",
    "net periodic pension cost",
    (
        "The components of net periodic benefit cost for our defined benefit plans were as follows",
        "Net pension cost for the years ended {year_end} included the following components",
    ),
    _lines(
        """
service | service cost / service cost, benefits earned during the year | benefits that staff earned in the year / pension rights newly earned | 12 9
interest | interest cost / interest cost on projected benefit obligation | the unwinding of the pension liability / interest on pension promises | 22 8
settle | settlement and curtailment loss / settlements and curtailments | losses on settling plans / settling and curtailing plans | 4 22 opt
prior | amortization of prior service cost / prior service cost amortization | the spreading of past plan changes / earlier plan changes | 2 10 opt
loss | amortization of net actuarial loss / recognized net actuarial loss | actuarial losses recognized / spread actuarial losses | 7 20
return | expected return on plan assets / expected return on assets | earnings that the plan's investments should bring / the assumed yield of the fund | 26 8 less neg
total | net periodic benefit cost / net pension cost / net periodic pension expense | pension expense / the yearly burden of pensions | 0 0 total
"""
    ),
    stock=False,
)

DERIVATIVES = Kind(
    "derivatives",
    5,
    "matrix",
    "derivative contracts",
    (
        "The notional amounts and fair values of our derivative instruments at {day} were as "
        "follows",
        "The following table summarizes outstanding hedging instruments as of {day}",
    ),
    _lines(
        """
fx | foreign currency forwards / foreign exchange forward contracts / currency forward contracts | currency hedges / contracts on exchange rates | 120 15
swap | interest rate swaps / interest rate swap agreements | hedges of interest rates / contracts on interest rates | 90 14
commodity | commodity contracts / commodity futures and options | raw material hedges / contracts on raw materials | 40 20
cross | cross-currency swaps / cross-currency interest rate swaps | swaps of one currency's interest for another's / two-currency swaps | 50 14 opt
option | currency options / purchased currency options | the right to exchange currencies / bought currency options | 20 20 opt
total | total derivatives / total derivative instruments / total | all hedging instruments / hedges of every type | 0 0 total
"""
    ),
    _categories(
        """
notional | notional amount / contract amount / notional | by notional amount | 1000
asset | fair value, assets / asset derivatives / assets | carried as assets | 31
liability | fair value, liabilities / liability derivatives / liabilities | carried as liabilities | 24
"""
    ),
)

GRAPH = Kind(
    "performance graph",
    5,
    "graph",
    "cumulative total shareholder return",
    (
        "The graph and table assume that $100 was invested on {base_day} and that dividends were "
        "reinvested",
        "The comparison below shows the value at each year end of $100 invested on {base_day}, "
        "dividends reinvested",
    ),
    _lines(
        """
company | {name} / {alias} | {alias} common stock / {alias} shares | 100 20
sp500 | S&P 500 / S&P 500 index / Standard & Poor's 500 | the broad market index / the S&P 500 | 100 14
peer | peer group / {sector} peer group | its peers / comparable companies | 100 17
industry | S&P {sector} index / Dow Jones U.S. {sector} index | the {sector} index / the sector's index | 100 18 opt
"""
    ),
    stock=False,
)

OBLIGATIONS = Kind(
    "contractual obligations",
    4,
    "matrix",
    "contractual obligations",
    (
        "The following table summarizes our contractual obligations as of {day} and when they "
        "fall due",
        "Contractual cash obligations at {day}, by period in which payment is due, are shown below",
    ),
    _lines(
        """
debt | debt maturities / long-term debt maturities / principal payments on debt | borrowings to repay / principal of borrowings | 160 12
interest | interest on long-term debt / interest payments / interest obligations | interest still to pay / coupons to be paid | 50 12
leases | operating leases / operating lease obligations | rents committed to / rental commitments | 45 12
purchase | purchase obligations / purchase commitments / unconditional purchase obligations | supplies ordered ahead / commitments to suppliers | 70 16
pension | pension contributions / pension and postretirement funding | payments into the pension plans / plan funding | 14 16 opt
capital | capital lease payments / payments under capital leases | capitalized lease payments / payments on finance-type leases | 9 16 opt
other | other long-term liabilities / other obligations | sundry long-dated commitments / remaining commitments | 12 16 opt
total | total contractual obligations / total obligations / total contractual cash obligations | everything committed to / all commitments | 0 0 total
"""
    ),
    _categories(
        """
1 | less than 1 year / within one year | due within one year | 210
3 | 1-3 years / one to three years | due in one to three years | 290
5 | 3-5 years / three to five years | due in three to five years | 220
9 | more than 5 years / after five years | due after five years | 280
t | total / total amount | in total | 0
"""
    ),
)

REPURCHASES = Kind(
    "share repurchases",
    4,
    "months",
    "share repurchases",
    (
        "Purchases of our common stock during the fourth quarter of {fiscal} were as follows",
        "The following table shows repurchases of equity securities by month for the quarter "
        "ended {day}",
    ),
    _lines(
        """
shares | total number of shares purchased / shares purchased / number of shares repurchased | shares bought back / stock taken off the market | 900 30
price | average price paid per share / average price per share | the average price | 40 20
plan | shares purchased as part of publicly announced programs / shares purchased under announced program | buybacks under the announced program / shares bought under the program | 700 30
"""
    ),
    stock=False,
)

PRICES = Kind(
    "stock prices and dividends",
    4,
    "quarters",
    "quarterly stock prices and dividends",
    (
        "The high and low sales prices of our common stock and the dividends declared per share "
        "in {fiscal} were as follows",
        "Our common stock trades on the New York Stock Exchange; the quarterly range of prices in "
        "{fiscal}, with dividends, was as follows",
    ),
    _lines(
        """
high | high / high price / highest | the highest price | 46 18
low | low / low price / lowest | the lowest price | 36 18
dividend | dividends declared / cash dividends per share / dividend | the dividend per share / the payout per share | 24 12
"""
    ),
    stock=False,
)

TAX_ROLL = Kind(
    "unrecognized tax benefits",
    4,
    "roll",
    "unrecognized tax benefits",
    (
        "A reconciliation of the beginning and ending amount of unrecognized tax benefits is as "
        "follows",
        "The following table rolls forward our gross unrecognized tax benefits",
    ),
    _lines(
        """
begin | balance at January 1 / balance at beginning of year / beginning balance | opening uncertain tax positions / uncertain positions at the start of the year | 0 0
add | additions based on tax positions related to the current year / additions for current year tax positions | positions newly taken in the year / this year's new positions | 10 20
prior | additions for tax positions of prior years / increases related to prior year positions | increases for earlier years / raised positions of earlier years | 6 22 opt
deduct | settlements / settlements with taxing authorities / cash settlements | amounts settled with the tax office / agreements with tax authorities | 5 22 less
lapse | lapse of statute of limitations / lapses of statutes of limitations | positions that expired / amounts that became time-barred | 3 22 less opt
reduce | reductions for tax positions of prior years / decreases related to prior year positions | decreases for earlier years / lowered positions of earlier years | 4 22 less
end | balance at December 31 / balance at end of year / ending balance | closing uncertain tax positions / uncertain positions at the end of the year | 0 0
"""
    ),
    stock=False,
)

PROPERTY = Kind(
    "property",
    3,
    "years",
    "property, plant and equipment",
    (
        "Property, plant and equipment at {day} consisted of the following",
        "The major classes of property, plant and equipment are presented below",
    ),
    _lines(
        """
land | land / land and improvements / land and land improvements | sites / real estate without buildings | 24 5
buildings | buildings / buildings and improvements / buildings and leasehold improvements | premises / structures | 140 7
machinery | machinery and equipment / machinery, equipment and fixtures / plant and equipment | production equipment / machines | 330 7
furniture | furniture and office equipment / furniture and fixtures | office furnishings / desks and office machines | 26 8 opt
computers | computer hardware and software / computer equipment | information technology equipment / computers | 34 10 opt
vehicles | vehicles / transportation equipment | trucks and cars / rolling equipment | 20 10 opt
cip | construction in progress / construction in process / assets under construction | plant not yet finished / unfinished plant | 30 22
total | total property, plant and equipment / total, at cost / property, plant and equipment, gross | fixed assets at cost / all fixed assets before depreciation | 0 0 total
depreciation | less: accumulated depreciation / less: accumulated depreciation and amortization / less: allowances for depreciation | depreciation built up so far / wear charged so far | 260 6 less
net | property, plant and equipment, net / net property, plant and equipment / net property | fixed assets after depreciation / the net book value of fixed assets | 0 0 total
"""
    ),
)

OPTIONS = Kind(
    "stock options",
    3,
    "options",
    "stock options",
    (
        "Stock option activity for {fiscal} was as follows",
        "A summary of option activity under our equity plans during {fiscal} is presented below",
    ),
    _lines(
        """
begin | outstanding at beginning of year / options outstanding, beginning of year / beginning balance | options held at the start of the year / opening options | 4000 12
granted | granted / options granted | new options given / options awarded | 800 25
exercised | exercised / options exercised | options turned into shares / options used by staff | 600 25 less neg
forfeited | forfeited / forfeited or expired / canceled | options that lapsed / options given up | 140 25 less neg
end | outstanding at end of year / options outstanding, end of year / ending balance | options held at the end of the year / closing options | 0 0 total
exercisable | exercisable at end of year / options exercisable / exercisable | options that could be used at once / usable options | 2000 15
"""
    ),
    stock=False,
)

INVENTORY = Kind(
    "inventories",
    2,
    "years",
    "inventories",
    (
        "Inventories at {day} consisted of the following",
        "The major classes of inventory were as follows",
    ),
    _lines(
        """
raw | raw materials / raw materials and supplies / raw materials and components | unprocessed materials / materials awaiting use | 42 12
wip | work in process / work-in-process / goods in process | half-finished goods / goods still being made | 26 13
finished | finished goods / finished products / finished goods and merchandise | goods ready for sale / stock ready to ship | 66 12
supplies | supplies / maintenance supplies / stores and supplies | spare parts and stores / operating supplies | 9 10 opt
total | total inventories / inventories, at FIFO cost / inventories, gross | all stock on hand / goods and materials together | 0 0 total
reserve | less: LIFO reserve / less: reserve for obsolescence / less: excess and obsolete reserve | the inventory reserve / the deduction from stock | 11 14 less opt
net | inventories, net / net inventories | stock after the reserve / inventory after its reserve | 0 0 total opt
"""
    ),
)

CASH_FLOW = Kind(
    "cash flows",
    2,
    "years",
    "cash flows",
    (
        "Our cash flows for the years ended {year_end} are summarized as follows",
        "The following table summarizes the sources and uses of cash",
    ),
    _lines(
        """
operating | net cash provided by operating activities / cash flows from operating activities / cash provided by operations | cash earned by the business / cash that operations brought in | 150 12
investing | net cash used for investing activities / cash flows from investing activities / cash used in investing activities | cash put into investments / cash spent on investing | 90 16 less neg
financing | net cash used for financing activities / cash flows from financing activities / cash used in financing activities | cash paid to lenders and owners / cash spent on financing | 45 18 less neg
fx | effect of exchange rate changes on cash / effect of exchange rates | currency effects on cash / exchange rate changes in cash | 3 20 less neg opt
change | net change in cash and cash equivalents / net increase in cash / change in cash and cash equivalents | the movement in cash / the net cash movement | 0 0 total
"""
    ),
    stock=False,
)

TAX_RATE = Kind(
    "effective tax rate",
    1,
    "rates",
    "the effective income tax rate",
    (
        "A reconciliation of the U.S. federal statutory rate to our effective income tax rate "
        "follows",
        "The effective income tax rate differed from the statutory rate for these reasons",
    ),
    _lines(
        """
statutory | U.S. federal statutory rate / statutory tax rate / federal statutory rate | the rate set by federal law / the legal rate | 350 0
state | state income taxes, net of federal benefit / state taxes, net | taxes of the states / the states' addition | 22 14
foreign | foreign rate differential / effect of foreign operations / earnings taxed at lower foreign rates | lower taxes abroad / the effect of foreign earnings | 40 14 less neg
manufacturing | domestic manufacturing deduction / manufacturing deduction | relief for domestic producers / the producers' relief | 14 14 less neg opt
credits | research credits / research and development tax credits | relief for research / credits for research | 9 16 less neg opt
other | other, net / other | sundry effects / smaller effects | 5 22
effective | effective tax rate / effective income tax rate | the rate actually borne / the overall tax rate | 0 0 total
"""
    ),
    stock=False,
)

GEOGRAPHY = Kind(
    "geographic revenue",
    1,
    "years",
    "revenue by region",
    (
        "Net sales by geographic area, based on the location of the customer, were as follows",
        "The following table presents revenues by region",
    ),
    _lines(
        """
us | United States / U.S. / domestic | the home market / customers at home | 520 8
emea | Europe / Europe, Middle East and Africa / EMEA | European customers / the European market | 210 11
asia | Asia Pacific / Asia / Asia-Pacific | Asian customers / the Asian market | 140 13
americas | other Americas / Canada and Latin America / Latin America | the rest of the hemisphere / neighbors in the Americas | 60 13 opt
row | rest of world / other international / all other countries | the remaining countries / sales elsewhere | 30 15 opt
total | total net sales / total revenues / consolidated total / total | worldwide sales / revenue everywhere | 0 0 total
"""
    ),
    stock=False,
)

ACCRUED = Kind(
    "accrued liabilities",
    1,
    "years",
    "accrued liabilities",
    (
        "Accrued liabilities at {day} were comprised of the following",
        "The components of accrued expenses and other current liabilities were as follows",
    ),
    _lines(
        """
payroll | accrued compensation / compensation and benefits / accrued payroll and benefits | pay owed to staff / wages owed | 40 10
warranty | product warranty / accrued warranty / warranty accrual | repairs promised to buyers / warranty promises | 12 14
rebates | customer rebates / accrued rebates and incentives / sales incentives | discounts owed to customers / money owed back to customers | 16 14
interest | accrued interest / interest payable | interest not yet paid / unpaid interest | 7 14
taxes | income and other taxes / accrued taxes / taxes payable | amounts due to tax authorities / tax bills not yet paid | 14 16
legal | legal and environmental / accrued legal and environmental costs | lawsuits and clean-up / provision for claims and clean-up | 6 20 opt
other | other / other accrued liabilities | sundry accruals / remaining accruals | 18 14
total | total accrued liabilities / total accrued expenses / total | all accruals / every accrual together | 0 0 total
"""
    ),
)

OTHER_INCOME = Kind(
    "other income",
    1,
    "years",
    "other income",
    (
        "Other income, net, for the years ended {year_end} consisted of the following",
        "The components of other income and expense are shown below",
    ),
    _lines(
        """
interest | interest income / interest and dividend income | earnings on cash and securities / interest received | 12 16
royalty | royalty income / royalties and license fees | fees for the use of its rights / licensing receipts | 9 14 opt
equity | equity in earnings of affiliates / equity income / earnings of unconsolidated affiliates | its share in partly owned firms' profit / profit of partly owned firms | 8 18
gain | gain on sale of assets / gains on disposal of assets | profit on selling property / disposal profits | 6 22
fx | foreign exchange losses / currency losses | losses on currencies / the cost of exchange rates | 4 22 less neg
other | other, net / miscellaneous, net | sundry items / the remainder | 3 20 opt
total | total other income / other income, net / total other income, net | other income as a whole / non-operating income | 0 0 total
"""
    ),
    stock=False,
)

PURCHASE = Kind(
    "purchase price",
    1,
    "single",
    "the purchase price of {target}",
    (
        "The purchase price of {target} was allocated to the assets acquired and liabilities "
        "assumed as follows",
        "The following table summarizes the allocation of the consideration paid for {target}",
    ),
    _lines(
        """
cash | cash / cash and cash equivalents | money found in the business / acquired cash | 6 10 opt
receivables | accounts receivable / trade receivables | unpaid customer bills / customer balances | 16 10
inventory | inventories / inventory | stock acquired / goods taken over | 14 10
property | property, plant and equipment / property and equipment | plant taken over / acquired fixed assets | 30 10
intangible | identifiable intangible assets / intangible assets | brands, customers and know-how / separable intangibles | 48 10
goodwill | goodwill / goodwill acquired | the premium over identified assets / the excess paid over identified assets | 70 10
assets | total assets acquired / assets acquired | everything taken over / assets before liabilities | 0 0 total
payables | less: accounts payable / less: accounts payable and accrued liabilities | bills taken over / supplier debts assumed | 15 10 less
deferred | less: deferred income taxes / less: deferred tax liabilities | taxes to come / deferred tax assumed | 12 10 less opt
net | net assets acquired / total purchase price / net purchase price | the price paid / the net price | 0 0 total
"""
    ),
)

RESTRUCTURING = Kind(
    "restructuring",
    1,
    "roll",
    "the restructuring reserve",
    (
        "Activity in the restructuring reserve was as follows",
        "The table below shows changes in accrued restructuring costs",
    ),
    _lines(
        """
begin | accrual at beginning of year / reserve at beginning of year / beginning balance | reorganization accrual at the start / opening accrual | 0 0
severance | severance charges / employee separation charges / severance and benefits | cost of job cuts / payments promised to leavers | 9 25
exit | facility exit costs / site closure charges / lease termination charges | cost of closing sites / closures | 4 25
cash | cash payments / cash paid / payments | money paid out / cash spent on the plan | 10 20 less
noncash | non-cash adjustments / non-cash charges and other | adjustments without cash / non-cash items | 2 20 less opt
end | accrual at end of year / reserve at end of year / ending balance | reorganization accrual at the end / closing accrual | 0 0
"""
    ),
    stock=False,
)

KINDS = (
    FAIR_VALUE,
    LEASES,
    RESULTS,
    SEGMENTS,
    DEBT,
    INTANGIBLES,
    RESERVES,
    PENSION,
    DERIVATIVES,
    GRAPH,
    OBLIGATIONS,
    REPURCHASES,
    PRICES,
    TAX_ROLL,
    PROPERTY,
    OPTIONS,
    INVENTORY,
    CASH_FLOW,
    TAX_RATE,
    GEOGRAPHY,
    ACCRUED,
    OTHER_INCOME,
    PURCHASE,
    RESTRUCTURING,
)
