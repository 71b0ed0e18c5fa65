"""The report of a job: one HTML file that needs nothing besides itself."""

from pipelines.results.report.case import Case
from pipelines.results.report.document import render_report

__all__ = ["Case", "render_report"]
