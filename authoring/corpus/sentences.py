# ruff: noqa: E501  (the heads of facts are one line each)
"""The sentences of the filings: templates with slots `{...}` and choices `[one|another]`.

Facts carry numbers that questions may ask for; remarks carry none that matter. All of it is
written for this course.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    """A number of the ledger that the prose states, for the filing's year and the year before.

    `share` is per mille of revenue, or the starting count for `count` facts; `part_of` names
    the table row of which it is a part, where a question may ask for its share.
    """

    key: str
    asks: tuple[str, ...]
    template: str
    share: int
    swing: int
    part_of: str = ""
    count: bool = False


def _facts(text: str) -> tuple[Fact, ...]:
    found = []
    for block in text.strip().split("\n\n"):
        head, template = block.split("\n", 1)
        key, asks, numbers = (part.strip() for part in head.split("|"))
        share, swing, *rest = numbers.split()
        found.append(
            Fact(
                key,
                tuple(part.strip() for part in asks.split(" / ")),
                " ".join(template.split()),
                int(share),
                int(swing),
                part_of=next((word[3:] for word in rest if word.startswith("of:")), ""),
                count="count" in rest,
            )
        )
    return tuple(found)


def _remarks(text: str) -> tuple[str, ...]:
    return tuple(" ".join(block.split()) for block in text.strip().split("\n\n"))


FACTS: dict[str, tuple[Fact, ...]] = {
    "fair value": _facts(
        """
gains | gross unrealized gains on securities / paper gains on securities | 6 20 of:total
Gross unrealized gains on available-for-sale securities [were|amounted to] {now} at {day} and
{prior} a year earlier, and are [included in|reported within] accumulated other comprehensive income.

pledged | securities pledged as collateral / investments pledged | 18 16 of:total
Securities with a fair value of {now} at {day}, compared with {prior} at the end of {prior_year},
were pledged as collateral [under insurance programs|for letters of credit and trading positions].
"""
    ),
    "operating leases": _facts(
        """
rent | rent expense under operating leases / rents paid for space and equipment | 13 10
Rent expense under operating leases [was|amounted to|totaled] {now} in {fiscal}, compared with
{prior} in {prior_fiscal}, and is [charged to income on a straight-line basis|included in overhead].

contingent | contingent rentals / rents that depend on sales | 3 16
Contingent rentals, which depend on sales or mileage, [came to|were] {now} in {fiscal} and {prior}
in {prior_fiscal} and are not part of the minimum payments [shown|presented] here.
"""
    ),
    "results of operations": _facts(
        """
advertising | advertising costs / spending on promotion | 24 14 of:sga
Advertising costs are expensed [as incurred|when the advertisement first runs] and [were|totaled]
{now} in {fiscal} and {prior} in {prior_fiscal}, all of it within selling and administrative cost.

staff | number of employees / headcount | 9000 8 count
We [employed|had] {now} people at the end of {fiscal}, against {prior} a year before, of whom about
{part} [are covered by collective bargaining agreements|work outside the United States].

freight | shipping and handling costs / the cost of delivering goods | 40 12 of:cost
Shipping and handling costs included in cost of sales [were|reached] {now} in {fiscal}, compared
with {prior} in {prior_fiscal}, as [fuel surcharges rose|volumes and carrier rates changed].
"""
    ),
    "segments": _facts(
        """
backlog | order backlog / unfilled orders | 210 15
Backlog, which we define as firm orders not yet [shipped|invoiced], stood at {now} at the end of
{fiscal} and {prior} at the end of {prior_fiscal}, and most of it should ship within a year.

export | export sales from the United States / sales shipped abroad from home | 120 14 of:total
Export sales from the United States [were|amounted to] {now} in {fiscal} and {prior} in
{prior_fiscal}, led by [customers in Asia and Latin America|shipments to European affiliates].

capex | segment capital expenditures / the segments' spending on plant | 48 14 of:total
Capital expenditures of the segments [totaled|came to] {now} in {fiscal} against {prior} in
{prior_fiscal}, of which the largest part was spent [at {place}|on {segment0} capacity].
"""
    ),
    "debt": _facts(
        """
paid | cash paid for interest / interest actually paid to lenders | 17 11
Cash paid for interest [was|amounted to] {now} in {fiscal} and {prior} in {prior_fiscal}, [net of|
after] amounts capitalized on major construction projects.

letters | letters of credit outstanding / guarantees under letters of credit | 14 15 of:total
Letters of credit outstanding under the facility [were|totaled] {now} at {day}, against {prior} a
year before, and [reduce|lower] the amount that we can draw by the same sum.

secured | debt secured by mortgages or liens / secured borrowings | 30 14 of:total
Of our borrowings, {now} at {day} and {prior} at the end of {prior_year} were secured by [mortgages
on plants|liens on equipment and real estate], mainly [at {place}|of the {segment1} segment].
"""
    ),
    "intangible assets": _facts(
        """
charge | amortization expense for acquired intangibles / the yearly amortization charge | 11 12 of:total
Amortization expense for these assets [was|amounted to] {now} in {fiscal} and {prior} in
{prior_fiscal}; we expect it to [decline gradually|stay near this level] over the next five years.

goodwill | goodwill / the premium paid over identified assets | 300 7
Goodwill, which is not amortized but tested each year [in the fourth quarter|at the reporting unit
level], [stood at|was] {now} at {day} and {prior} at the end of {prior_year}.
"""
    ),
    "reserves": _facts(
        """
recover | recoveries from insurers and suppliers / sums paid back by insurers and suppliers | 3 20 of:end
Recoveries from insurers and suppliers, which we record [only when received|as a receivable], [were|
came to] {now} in {fiscal} compared with {prior} in {prior_fiscal}.

receivable | trade receivables / amounts owed by customers | 140 9
Trade receivables before the allowance [were|stood at] {now} at {day} and {prior} a year earlier,
and no single customer accounted for more than {pct} of them.
"""
    ),
    "pension": _facts(
        """
contribution | employer contributions to the pension plans / cash paid into the plans | 21 18 of:total
We [contributed|made contributions of] {now} to our defined benefit plans in {fiscal} and {prior} in
{prior_fiscal}, [above the minimum that the law requires|in line with our funding policy].

savings | expense for defined contribution savings plans / the cost of matching staff savings | 9 10
Expense for our defined contribution savings plans, where we match part of what employees save,
[was|totaled] {now} in {fiscal} and {prior} in {prior_fiscal}.

obligation | projected benefit obligation / the present value of pension promises | 420 7
The projected benefit obligation of the plans [was|stood at] {now} at {day} compared with {prior} at
the end of {prior_year}, as the discount rate [moved|changed] and benefits were paid.
"""
    ),
    "derivatives": _facts(
        """
gain | hedge gains deferred in other comprehensive income / deferred hedge gains | 5 22
Net gains deferred in accumulated other comprehensive income on cash flow hedges [were|came to]
{now} at {day} and {prior} at the end of {prior_year}, most of which should reach income in a year.

margin | collateral posted with counterparties / cash deposited against hedges | 4 22
Collateral posted with counterparties [was|amounted to] {now} at {day} compared with {prior} a year
before, and is [held in segregated accounts|reported in other current assets].
"""
    ),
    "performance graph": _facts(
        """
holders | number of holders of record / registered shareholders | 14000 7 count
There were {now} holders of record of our common stock at {day}, compared with {prior} a year
earlier; many more [hold shares through brokers|are beneficial owners in street name].

payout | dividends paid to shareholders / cash dividends | 26 10
Dividends paid to shareholders [were|totaled] {now} in {fiscal} and {prior} in {prior_fiscal}, and
the board [reviews the rate every January|expects to keep paying them quarterly].
"""
    ),
    "contractual obligations": _facts(
        """
guarantee | guarantees of third parties' debt / debts of others that it guarantees | 9 18
Guarantees of third parties' debt, which are not in the table, [were|amounted to] {now} at {day} and
{prior} at the end of {prior_year}, and we [expect no|have made no] payment under them.

uncertain | liabilities for uncertain tax positions / tax positions in dispute | 12 15
The table leaves out {now} of liabilities for uncertain tax positions at {day}, against {prior} a
year earlier, because [the time of settlement cannot be foreseen|their timing is not known].
"""
    ),
    "share repurchases": _facts(
        """
authority | remaining repurchase authority / the unused buyback allowance | 60 22
At {day}, {now} remained available under the board's repurchase authority, compared with {prior} at
the end of {prior_year}; the authority [has no expiration date|may be withdrawn at any time].

treasury | shares held in treasury / own shares held | 26000 9 count
We held {now} thousand shares in treasury at {day} and {prior} thousand a year before, [at cost|
for use in employee plans and acquisitions].
"""
    ),
    "stock prices and dividends": _facts(
        """
holders | number of holders of record / registered shareholders | 15000 7 count
As of {day} there were {now} shareholders of record, against {prior} at the end of {prior_year},
[not counting|excluding] those whose shares are held by banks and brokers.

payout | dividends paid to shareholders / cash dividends | 26 10
Cash dividends paid [were|came to] {now} in {fiscal} and {prior} in {prior_fiscal}, and our credit
agreement [does not limit|would limit] them only if leverage exceeded the covenant.
"""
    ),
    "unrecognized tax benefits": _facts(
        """
rate | unrecognized benefits that would lower the effective rate / benefits that would cut the tax rate | 14 12 of:end
Of the balance, {now} at the end of {fiscal} and {prior} at the end of {prior_fiscal} would, if
recognized, [lower|affect] our effective tax rate; the rest relates to timing.

interest | accrued interest and penalties on tax positions / interest and fines accrued for taxes | 3 15 of:end
Accrued interest and penalties on these positions [were|totaled] {now} at the end of {fiscal} and
{prior} at the end of {prior_fiscal} and are [part of income tax expense|not in the table].
"""
    ),
    "property": _facts(
        """
charge | depreciation expense / the yearly charge for wear of plant | 46 8 of:total
Depreciation expense [was|totaled] {now} in {fiscal} and {prior} in {prior_fiscal}, computed on the
straight-line method over [three to forty years|the useful lives of the assets].

capint | interest capitalized on construction / borrowing costs added to plant | 3 20
Interest capitalized on construction [was|amounted to] {now} in {fiscal} compared with {prior} in
{prior_fiscal}, mostly for [the {place} {plant}|new {segment0} lines].

capex | capital expenditures / money spent on plant | 62 14
Capital expenditures [were|totaled] {now} in {fiscal} and {prior} in {prior_fiscal}, and purchases
not yet paid for are [excluded from the statement of cash flows|carried in accounts payable].
"""
    ),
    "stock options": _facts(
        """
cost | stock-based compensation expense / the cost of paying staff in shares | 10 14
Stock-based compensation expense [was|came to] {now} in {fiscal} and {prior} in {prior_fiscal},
[before a related tax benefit|recognized over the vesting period] for all equity awards.

intrinsic | intrinsic value of options exercised / gains of staff on their options | 8 22
The intrinsic value of options exercised [was|amounted to] {now} in {fiscal} compared with {prior}
in {prior_fiscal}, and we [issue new shares|use treasury shares] when options are exercised.
"""
    ),
    "inventories": _facts(
        """
lifo | inventories valued on the LIFO method / stock valued last in, first out | 45 10 of:total
Inventories valued on the LIFO method [were|amounted to] {now} at {day} and {prior} at the end of
{prior_year}; the rest is valued [first in, first out|at average cost].

writedown | inventory write-downs / charges for stock that lost value | 5 22
Write-downs of slow-moving inventory [cost us|were] {now} in {fiscal} and {prior} in {prior_fiscal},
and were recorded [in cost of sales|mainly in the {segment2} segment].
"""
    ),
    "cash flows": _facts(
        """
capex | capital expenditures / money spent on plant | 62 14 of:operating
Capital expenditures [were|totaled] {now} in {fiscal} and {prior} in {prior_fiscal}, and we expect
them to [rise modestly|be about level] in {next_year} as {place} is [expanded|completed].

cash | cash and cash equivalents / liquid funds | 110 15
Cash and cash equivalents [were|stood at] {now} at {day} compared with {prior} a year earlier, of
which about {part} was held by [foreign subsidiaries|our insurance captive].
"""
    ),
    "effective tax rate": _facts(
        """
paid | income taxes paid / cash paid to tax authorities | 34 14
Income taxes paid, net of refunds, [were|totaled] {now} in {fiscal} and {prior} in {prior_fiscal},
and differ from expense [because of timing|mainly through deferred taxes].

foreign | undistributed earnings of foreign subsidiaries / profits kept abroad | 190 9
Undistributed earnings of foreign subsidiaries [were|reached] {now} at {day} and {prior} at the end
of {prior_year}; no tax was provided because we [mean to reinvest them|consider them permanent].
"""
    ),
    "geographic revenue": _facts(
        """
government | sales to the U.S. government / sales to federal agencies | 34 14 of:us
Sales to the U.S. government and its agencies [were|totaled] {now} in {fiscal} and {prior} in
{prior_fiscal}, all of them reported [in the United States|with domestic customers].

assets | long-lived assets outside the United States / fixed assets abroad | 130 8
Long-lived assets outside the United States [were|amounted to] {now} at {day} and {prior} at the end
of {prior_year}, the largest of them [in Germany and China|in Canada and Brazil].
"""
    ),
    "accrued liabilities": _facts(
        """
legal | litigation settlements paid / money paid to settle lawsuits | 6 24
Litigation settlements paid [were|came to] {now} in {fiscal} compared with {prior} in
{prior_fiscal}, and [were covered in part by insurance|had been accrued in earlier periods].

bonus | accrued annual bonuses / incentive pay owed | 13 14 of:total
Accrued annual bonuses, which are part of compensation, [were|stood at] {now} at {day} and {prior}
at the end of {prior_year}, and are paid [in March|after the audit is complete].
"""
    ),
    "other income": _facts(
        """
affiliates | dividends received from affiliates / cash received from partly owned firms | 5 18
Dividends received from affiliates [were|totaled] {now} in {fiscal} and {prior} in {prior_fiscal},
and are [a reduction of the investment|not part of the amounts shown].

investment | investments in unconsolidated affiliates / stakes in partly owned firms | 66 9
Investments in unconsolidated affiliates, chief among them the venture with {partner}, [were|stood
at] {now} at {day} and {prior} at the end of {prior_year}.
"""
    ),
    "purchase price": _facts(
        """
costs | acquisition-related costs / the cost of advisers and integration | 5 22
Acquisition-related costs, [mainly fees of advisers|legal and integration expenses for the most
part], [were|amounted to] {now} in {fiscal} and {prior} in {prior_fiscal}, and were expensed.

earnout | contingent consideration liability / the earn-out owed to sellers | 9 20
The liability for contingent consideration owed to sellers of businesses [was|stood at] {now} at
{day} compared with {prior} at the end of {prior_year}.
"""
    ),
    "restructuring": _facts(
        """
jobs | positions eliminated / jobs cut | 900 24 count
Under the plan we eliminated {now} positions in {fiscal} and {prior} in {prior_fiscal}, [chiefly in
{segment2}|mostly in administration and at {place}], and closed two smaller sites.

savings | annual savings from restructuring / yearly cost saved by reorganizing | 15 15
Annual savings from actions already taken [were|reached] {now} in {fiscal} compared with {prior} in
{prior_fiscal}, [somewhat more|a little less] than the plan had foreseen.
"""
    ),
}

OWNERSHIP: dict[str, tuple[tuple[str, str], ...]] = {
    "brand": (
        ("the owner of the {brand} brand", "Sales of products under our {brand} brand [rose|grew] "
         "again in {year} as we [widened distribution to {customers}|introduced new sizes and "
         "formats], although promotional allowances took back part of the gain."),
        ("the maker of {brand}", "We [introduced|relaunched] {brand} in {prior_year}, and {product} "
         "sold under that name [bring|earn] higher margins than the rest of the range."),
    ),
    "program": (
        ("the company running Project {program}", "Project {program}, our multi-year effort to "
         "[simplify the supply chain|move to one ledger system], entered its [second|third|final] "
         "phase in {year}, and its costs are reported with the function that benefits."),
        ("the company behind the {program} program", "The {program} program, under which we "
         "[consolidate warehouses|standardize purchasing] across regions, is managed by a steering "
         "committee that reports to the audit committee every quarter."),
    ),
    "target": (
        ("the company that bought {target}", "In {target_year} we completed the acquisition of "
         "{target}, [a privately held supplier of {product}|a regional competitor], and its results "
         "have been included in ours from the date of closing."),
        ("the acquirer of {target}", "The integration of {target} [is substantially complete|"
         "continued through the year], and the former owners have [left the business|agreed not to "
         "compete with us until the covenants expire]."),
    ),
    "place": (
        ("the company with the {place} {plant}", "Our {plant} in {place} [ran at close to full "
         "capacity|was idle for three weeks of planned maintenance] during {year}, and a further "
         "line there is [under study|to be commissioned next year]."),
        ("the operator of the {place} {plant}", "Employees at the {place} {plant} are represented by "
         "a union whose agreement [was renewed in {prior_year}|expires next year], and we [believe "
         "relations to be good|expect talks to begin shortly]."),
    ),
    "partner": (
        ("the venture partner of {partner}", "We own half of a joint venture with {partner} that "
         "[markets {product} abroad|develops sites jointly], and account for it by the equity method "
         "because neither partner controls its decisions."),
        ("the company that supplies {partner}", "{partner} remained our largest customer in {year}, "
         "and the supply agreement with it, which sets [annual price reviews|minimum volumes], was "
         "extended on [similar|slightly better] terms."),
    ),
}  # fmt: skip

NAMED = _remarks(
    """
{name} and subsidiaries notes to consolidated financial statements [(continued)|, continued]

{name} management's discussion and analysis of financial condition and results of operations

{alias} [is|remains] a [leading|well-established] supplier of {product} to {customers}, with
operations in {segment0}, {segment1} and {segment2}.

The consolidated statements include the accounts of {name} and all subsidiaries that it controls;
balances and transactions between them have been eliminated.
"""
)

CAVEATS = _remarks(
    """
[Unless otherwise stated, tabular amounts|Except as noted, amounts in tables] are in {unit} of
dollars, while share data are as indicated.

[Dollar amounts in the table are expressed in|The figures in the table are stated in] {unit}, and
columns may not add because of rounding.
"""
)

KIND_REMARKS: dict[str, tuple[str, ...]] = {
    "fair value": _remarks(
        """
Level 1 inputs are quoted prices in active markets for identical assets; level 2 inputs are
observable directly or indirectly; level 3 inputs are [unobservable|our own assumptions].

We obtain prices for most level 2 securities from [an independent pricing service|two vendors] and
compare them with recent trades, and we have not had to adjust those prices.

There were no [material|significant] transfers between levels 1 and 2 during {year}, and transfers
are recognized at the [end|beginning] of the quarter in which they occur.
"""
    ),
    "operating leases": _remarks(
        """
We lease [warehouses, offices and vehicles|stores, equipment and office space] under agreements
that expire at various dates, many with renewal options of [three to five|five to ten] years.

Leases that transfer substantially all of the benefits and risks of ownership are capitalized;
all others are [accounted for as|treated as] operating leases.

Certain leases call for [escalating rents|increases tied to a price index], which we recognize
evenly over the term, and the difference is carried as deferred rent.
"""
    ),
    "results of operations": _remarks(
        """
Gross margin was [helped|hurt] by the mix of products and by the price of [purchased components|
energy and freight], and partly offset by productivity measures that began in {prior_year}.

Currency translation [reduced|increased] reported sales by about {pct} in {year}, and acquisitions
contributed roughly as much in the other direction.

Administrative cost reflects [higher incentive pay|lower professional fees] as well as the first
full year of the new information system in {segment1}.
"""
    ),
    "segments": _remarks(
        """
Segment results exclude interest, income taxes and certain corporate costs, which is how our chief
operating decision maker [reviews performance|allocates resources].

Sales of {segment0} [rose|fell] on [volume|price], as demand from {customers} [strengthened|softened]
in the second half of {year}.

In {segment1}, new contracts with {customers} [replaced|more than replaced] business that ended in
{prior_year}, while {segment2} was broadly stable.
"""
    ),
    "debt": _remarks(
        """
Our credit agreement requires us to keep a ratio of debt to capitalization below {part} and an
interest coverage above three times; we were in compliance at {day}.

The notes are [redeemable at our option|callable] at a make-whole price, rank equally with other
unsecured debt, and carry [fixed|semiannual] coupons.

A change of one [percentage point|hundred basis points] in short-term rates would change our annual
interest cost by [less than a tenth|a modest amount], since most of the debt bears fixed rates.
"""
    ),
    "intangible assets": _remarks(
        """
Intangible assets with finite lives are amortized [over their useful lives|on a straight-line
basis over five to twenty years] and reviewed when events suggest that they may be impaired.

The [increase|change] in gross amounts reflects acquisitions of the year and currency translation,
and fully amortized assets are removed from both columns.

Fair values of acquired customer relationships are estimated with [the excess earnings method|a
discounted cash flow model], and those of trade names with the relief-from-royalty method.
"""
    ),
    "reserves": _remarks(
        """
Estimates rest on [historical experience|past claims], the age of balances and [current economic
conditions|known specific cases], and actual outcomes may differ from them.

We [review|re-estimate] the allowance every quarter; changes in estimate are recorded when new
information becomes available and have not been material one by one.

Most obligations of this kind are settled within [eighteen months|two years], and products are
usually warranted for [one to three years|a year from delivery].
"""
    ),
    "pension": _remarks(
        """
The expected long-term return is set with regard to the target allocation, which is about {part} in
equities and the rest in [bonds and real estate|fixed income].

We closed the principal plan to new employees in [{prior_year}|an earlier year]; those hired since
then take part in [a savings plan|a defined contribution plan] instead.

Actuarial gains and losses beyond a tenth of the obligation are amortized over the [average
remaining service|life expectancy] of the participants.
"""
    ),
    "derivatives": _remarks(
        """
We use derivatives to [reduce|manage] exposure to currencies, rates and raw material prices, and
hold none for trading; counterparties are banks rated [A or better|investment grade].

Notional amounts measure the [size|volume] of contracts and are not what is exchanged, so they
overstate the credit risk to which we are exposed.

Contracts designated as cash flow hedges run for up to [eighteen|twenty-four] months, and
ineffectiveness was not [significant|material] in {year}.
"""
    ),
    "performance graph": _remarks(
        """
Past stock performance [shown here|in this comparison] is not necessarily indicative of future
performance, and the graph is not deemed to be filed or incorporated by reference.

The peer group consists of [nine|eleven|fourteen] companies of similar size whose returns are
weighted by market capitalization at the start of each period.

The compensation committee uses the same peers when it sets [long-term incentive awards|relative
return targets] for the named executive officers.
"""
    ),
    "contractual obligations": _remarks(
        """
Purchase obligations are agreements that are enforceable and specify [quantities, prices and
timing|all significant terms]; open orders that can be canceled are left out.

Interest on floating-rate debt was computed with rates [in force|in effect] at {day}, and actual
payments will depend on [market rates|the balance outstanding].

We believe that cash from operations and unused credit lines are [sufficient|adequate] to meet these
commitments and to fund the dividend.
"""
    ),
    "share repurchases": _remarks(
        """
Repurchases are made [in the open market|in the open market or in private transactions], subject to
prices and other uses of cash, and may be suspended without notice.

The totals include shares [surrendered by employees|withheld] to pay taxes on vested awards, which
do not count against the announced program.

The board last [renewed|enlarged] the program in {prior_year}, and purchases since then have been
funded with cash from operations.
"""
    ),
    "stock prices and dividends": _remarks(
        """
The declaration of dividends is at the discretion of the board, which considers earnings, cash needs
and [covenants|the outlook], and has raised the rate [in most years|from time to time].

Our shares are also quoted on [the Chicago exchange|a regional exchange], where volume is small,
and options on them are traded at two exchanges.

The range shown is of [intraday|closing] prices as reported on the composite tape, adjusted for the
stock split where one took place.
"""
    ),
    "unrecognized tax benefits": _remarks(
        """
We file income tax returns in the United States and in [many|several] foreign countries, and years
before {prior_year} are [closed|no longer open to audit] in most of them.

It is reasonably possible that the balance will [fall|change] within twelve months as audits are
concluded, but we cannot [estimate|give] a range.

The Internal Revenue Service [has completed|is conducting] an examination of two of our returns and
has proposed adjustments that we [contest|have agreed to in part].
"""
    ),
    "property": _remarks(
        """
Assets are depreciated from the time they are [placed in service|ready for use]; repairs are
expensed, while renewals that lengthen life are capitalized.

Buildings are depreciated over [twenty to forty|fifteen to forty] years and equipment over three to
fifteen; leasehold improvements over the shorter of life and term.

Construction in progress consists mainly of [projects at {place}|capacity for {segment1}] and is
not depreciated until it is complete.
"""
    ),
    "stock options": _remarks(
        """
Options are granted at the [closing price of the day|market price], vest over [three|four] years
and lapse after [seven|ten]; the value is estimated with a Black-Scholes model.

Expected volatility is derived from [historical|implied] prices of our stock, and the expected life
from the past behavior of [holders|employees].

At {day} about {count} thousand shares were [reserved|available] for future grants under the plan
that shareholders approved in {prior_year}.
"""
    ),
    "inventories": _remarks(
        """
Inventories are stated at the lower of cost or [market|net realizable value]; cost includes
material, labor and [factory overhead|an allocation of overhead].

We reduce the carrying amount of slow-moving goods on the basis of [usage over two years|forecast
demand], and such reductions are not reversed.

The change from the prior year reflects [the build of safety stock|lower purchase prices] ahead of
the launch of new {product}.
"""
    ),
    "cash flows": _remarks(
        """
Working capital [absorbed|released] cash as receivables from {customers} [grew|fell] with sales in
the last quarter, while payables moved in the opposite direction.

Cash used for investing [rose|fell] because of the timing of [acquisitions|equipment purchases] and
the maturity of short-term securities.

Our principal sources of liquidity are operations, the commercial paper program and committed bank
lines that [expire in {next_year}|run for three more years].
"""
    ),
    "effective tax rate": _remarks(
        """
The rate of future years will depend on the [mix of earnings|share of income] among jurisdictions
and on changes in law that we cannot foresee.

A valuation allowance is kept against [certain foreign losses|state credits] that we do not expect
to use before they expire.

During {year} we [settled|closed] audits in two states, which had a small effect on the amounts
reported in other items.
"""
    ),
    "geographic revenue": _remarks(
        """
Sales are attributed to regions by [the place of delivery|where the customer is located], and no
foreign country alone accounts for a tenth of the total.

Demand in Asia [accelerated|slowed] in the second half as {customers} [rebuilt|reduced] their stocks,
with China making up about half of the change.

European sales were affected by the [weaker|stronger] euro, the effect of which was about {pct} when
rates of the prior year are applied.
"""
    ),
    "accrued liabilities": _remarks(
        """
Liabilities are accrued when a loss is probable and can be [reasonably estimated|measured]; where
only a range is known we accrue the low end.

Customer rebates are recorded as a reduction of sales [when the sale is made|in the period of the
sale] and are usually settled within two quarters.

Compensation accruals vary with [the achievement of annual targets|the calendar of pay days], and
were affected by {program} in {year}.
"""
    ),
    "other income": _remarks(
        """
Interest income varies with [cash balances|short-term rates], and gains on disposals arise mostly
from the sale of [surplus land|closed sites].

We account by the equity method for companies in which we hold [between a fifth and a half|
significant influence], and test them for lasting declines in value.

Currency items come mainly from [intercompany loans|receivables in foreign currency] that are not
designated as hedges.
"""
    ),
    "purchase price": _remarks(
        """
The allocation is [final|preliminary and subject to change for a year], and rests on appraisals by
an independent valuation firm.

Goodwill reflects the [assembled workforce|synergies that we expect] and is not deductible for tax
purposes; it was assigned to {segment0}.

Pro forma results as though the purchase had taken place a year earlier would not differ
[materially|significantly] from those reported.
"""
    ),
    "restructuring": _remarks(
        """
The plan [announced|adopted] in {prior_year} combines back offices and [moves|shifts] production to
lower-cost sites, and should be complete by the end of {next_year}.

Severance is accrued when [payment is probable|employees have been told], and exit costs when the
site is vacated.

Charges are not allocated to segments; had they been, most would have fallen on {segment1} and
[corporate functions|{segment2}].
"""
    ),
}

GENERAL = _remarks(
    """
The preparation of financial statements requires [estimates and assumptions|management to make
estimates] that affect reported amounts, and actual results [could differ|may turn out otherwise].

We sell {product} to {customers} through [our own sales force|independent distributors], and no
customer accounted for more than {pct} of revenue in {year}.

Competition is [intense|strong] in each of our markets and turns on price, quality, service and [the
speed of delivery|technical support]; several competitors are larger than we are.

Revenue is recognized when [title passes|control passes to the customer], collection is reasonably
assured and no significant obligations remain to be performed by us.

We are party to [lawsuits|claims and proceedings] that arise in the normal course of business; we do
not believe that their outcome will be material to our position.

Environmental [remediation|clean-up] costs are accrued when they are probable; we have been named at
{count} sites and expect the work to take a number of years.

Prices of raw materials and energy [rose|eased] during {year}, and we were able to pass on [most|
part] of the change to customers after some delay.

New accounting guidance on [revenue|leases|financial instruments] becomes effective in {next_year};
we are evaluating its effect, which we do not expect to be significant.

The {segment0} segment operates in {count} countries and has its main production near {customers},
so that [freight|transport] costs are held down.

Our [fiscal year|reporting year] ends on {year_end}, and certain foreign subsidiaries close a month
earlier so that results can be consolidated in time.

Management assessed the effectiveness of internal control over financial reporting at {day} and
concluded that it was effective on the basis of [the criteria used|those criteria].

Certain amounts of prior years have been [reclassified|regrouped] to conform to the presentation of
{year}, without effect on net income or equity.

Forward-looking statements in this report involve [risks and uncertainties|assumptions that may
prove wrong], and we undertake no duty to update them.

Earnings per share are computed on the weighted average of shares outstanding, and [anti-dilutive|
out-of-the-money] options were left out of the calculation.

We maintain insurance [with deductibles|above self-insured limits] for property, product and
general liability, and accrue for claims that were incurred but not reported.

The seasonality of {segment1} means that [the second and third quarters|the last quarter] usually
bring in the largest share of annual cash.

Foreign subsidiaries use their local currency as functional currency; their balance sheets are
translated at [year-end|closing] rates and their income at average rates.

Our research centers work on [lighter materials|lower energy use|digital services] for {product}, and
we hold about {count} patents that expire at various dates.

A hypothetical change of {pct} in exchange rates would have changed income before taxes by an amount
that we [do not regard as|consider not to be] material.

We depend on a limited number of suppliers for [critical parts|certain inputs], and an interruption
could [delay shipments|raise costs] until other sources are qualified.

The board of directors [met seven times|held nine meetings] during {year}, and all members attended
at least three quarters of the meetings of the committees on which they serve.

Our facilities include {count} plants and offices, about two thirds of which are owned; we believe
them to be [well maintained|suitable and adequate] for present needs.

[Weather|Unseasonable weather] affected demand in {segment2} during the first half of {year}, after
which volumes [recovered|returned to normal levels].

Deferred income taxes reflect temporary differences between the tax basis of assets and their
reported amounts, measured at rates [enacted|expected to apply].

Concentrations of credit risk are limited because of the [large number|wide spread] of customers and
their dispersion across regions and industries.

We hedge a portion of forecast purchases in foreign currency, [generally for up to a year|with
contracts that match their timing], and do not hedge the translation of earnings.

In {prior_year} we sold a [small|non-core] business of the {segment2} segment; the gain was not
material and the results are not shown as discontinued operations.

The number of shares authorized is {count} million, and the certificate of incorporation also
permits the board to issue preferred stock in one or more series.

Advances in [automation|data systems] let us serve {customers} with fewer manual steps, and
we expect to extend them to {segment1} in {next_year}.

Income from continuing operations of {year} includes [a legal recovery|the reversal of an accrual]
that we do not expect to recur.

Our ratings were [confirmed|reaffirmed] by both agencies in {year} with a stable outlook; a
downgrade would raise the margin on the bank facility.

[Labor|Wage] costs rose with general pay increases of about {pct} and the addition of staff in
{segment0}, offset by fewer temporary workers.

We periodically review the carrying amount of long-lived assets by comparing it with the cash flows
that they are [expected|projected] to generate, before discounting.

Product liability claims are handled by [outside counsel|a central group], and reserves are set on
the advice of independent actuaries every year.

Transactions with related parties are carried out on terms [comparable|similar] to those available
from others and were not significant in any year presented.

The cost of {product} depends on [energy|labor and scrap rates], and the productivity of the plants
improved by about {pct} over {prior_year}.

In {segment1} we compete mainly with regional firms, while in {segment2} a few global groups hold
the greater part of the market.

Subsequent to {day} the board [declared the regular dividend|approved the capital budget for
{next_year}], and there were no other events that call for disclosure.

Regulation of our business by [federal and state|national and local] agencies adds to cost and can
delay projects; compliance spending was not material in {year}.

Capital projects are approved by a committee that requires a return above our cost of capital,
and are [reviewed|audited] two years after completion.

Debt issuance costs are deferred and amortized over the term of the [borrowing|notes] by a method
that comes close to the effective interest method.

Volume in {segment0} [grew|declined] by about {pct}, prices were [flat|slightly lower] and the
balance of the change came from currency.

We have agreements with [eleven|nine] executives that provide for payments if their employment ends
after a change in control of the company.

Cyber-security incidents could [interrupt our operations|expose data]; we have adopted a program of
controls that is tested by outside experts every year.

Sales to {customers} are often made under contracts of [one to three|two to five] years that allow
us to adjust prices for the cost of materials.

The decrease in days sales outstanding reflects [better collection|a change of terms] in {segment2},
which we expect to [hold|keep] through {next_year}.

Costs of [start-up|training and relocation] were expensed as incurred, and affected the margin of
{segment1} chiefly in the first quarter.

Approximately {part} of our workforce is employed outside the United States, and [work rules|labor
laws] in those countries can lengthen the time that changes take.
"""
)

# Clauses that may end a general sentence; they make pages as wordy as filings are.
TAILS = _remarks(
    """
, [a practice|an approach] that we have followed for a number of years and do not expect to change.

, as [described|discussed] more fully elsewhere in this report and in the notes that follow.

, although we cannot give assurance that this will [continue|remain so] in {next_year} or after.

, in line with what [other companies in our industry|our main competitors] have reported.

, and management reviews the matter with the audit committee [every quarter|at least once a year].

; the effect on the results of {year} and {prior_year} was not material in either case.

, which is one of the reasons why comparisons between quarters may be less than meaningful.

, and we [expect|foresee] no material change in this respect during {next_year}.

, and the same was true, on the whole, of the two years before.

, as we said in our report for {prior_year}, and circumstances have changed little since.
"""
)
