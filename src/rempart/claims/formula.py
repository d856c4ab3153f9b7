"""From a cell of a product's guarantee grid (docs/files/products.md) to the guarantee that prices a line."""

from collections.abc import Mapping
from fractions import Fraction

from rempart.claims.case import Basis, Contract, Guarantee, Per
from rempart.claims.money import Money
from rempart.foundation.errors import BadInput
from rempart.foundation.vocabulary import Domain

_PERCENT = frozenset({Basis.BASE_INCLUDING_AMO, Basis.BASE_ON_TOP_OF_AMO, Basis.AMO_SHARE})
_AMOUNT = frozenset({Basis.AMOUNT_INCLUDING_AMO, Basis.AMOUNT_ON_TOP_OF_AMO})


class BadFormula(BadInput):
    """A cell that the products' file would have refused."""

    code = "formula"
    french = "La formule de garantie de ce produit est incomplète : l'assureur doit renvoyer son fichier des produits."
    english = (
        "This product's guarantee formula is incomplete: the insurer has to send its products' file again."
    )


def guarantee_of(cell: Mapping[str, object]) -> Guarantee:
    """The guarantee of a cell `{"rate_basis", "percent", "amount_cents", "per"}`; other keys of the cell are left alone.

    Raises BadFormula for an unknown basis, or a number that is missing or not whole."""
    try:
        basis, per = Basis(str(cell["rate_basis"])), Per(str(cell.get("per") or Per.ACT.value))
    except (KeyError, ValueError):
        raise BadFormula("rate_basis, per") from None
    if basis in _PERCENT:
        return Guarantee(basis, percent=Fraction(_whole(cell, "percent"), 100))
    if basis in _AMOUNT:
        return Guarantee(basis, amount=Money(_whole(cell, "amount_cents")), per=per)
    return Guarantee(basis)


def contract_of(cell: Mapping[str, object], domain: Domain, *, responsible: bool) -> Contract:
    """The contract as one domain's invoices see it. In optics an amount is for the kit, not for each of its pieces."""
    guarantee = guarantee_of(cell)
    kit = guarantee if domain is Domain.OPTI and guarantee.basis in _AMOUNT else None
    return Contract(responsible, guarantee, kit_guarantee=kit)


def _whole(cell: Mapping[str, object], name: str) -> int:
    value = cell.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadFormula(name)
    return value
