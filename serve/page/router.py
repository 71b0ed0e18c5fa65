"""The page's one router: give it the objects behind the page, and mount it at `/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from serve.page.assets import assets_router
from serve.page.caseroutes import case_router
from serve.page.desk import CONTENT_POLICY, Desk
from serve.page.jsonroutes import json_router
from serve.page.listroutes import list_router
from serve.page.pictures import SourcePictures
from serve.page.sealedpictures import FirstOf, SealedPictures

__all__ = ["CONTENT_POLICY", "OPEN_PREFIXES", "PAGES", "page_router"]

if TYPE_CHECKING:
    from serve.page.casebook import CaseBook
    from serve.page.pictures import PictureSource
    from serve.page.reviews import Reviews
    from serve.page.verification import Verifier

OPEN_PREFIXES = ("/assets/",)
"""Paths that tell nothing about anybody: style sheets and modules."""
PAGES = ("/cases/", "/audit")
"""Paths that people look at, beside `/`: without a session a browser is led to the sign-in."""


def page_router(
    book: CaseBook,
    reviews: Reviews,
    *,
    verifier: Verifier,
    pictures: PictureSource | None = None,
    sign_out: str = "",
) -> APIRouter:
    """The worklist, the cases, the audit log, their assets, and `/v1/cases`.

    Who asks is read from `request.state.principal`, the token against forged requests from `request.state.csrf`.

    Args:
        book: Of the cases; whoever mounts the router starts and stops it.
        reviews: What people said of them.
        verifier: Holds a case against the ledger.
        pictures: Where pictures come from; left out: kept ones, else read again from their sources.
        sign_out: Where a POST ends the session; empty: no button.
    """
    desk = Desk(book, reviews, verifier, pictures or FirstOf([SealedPictures(book.keys), SourcePictures()]), sign_out)
    router = APIRouter()
    for part in (assets_router(), list_router(desk), case_router(desk), json_router(desk)):
        router.include_router(part)
    return router
