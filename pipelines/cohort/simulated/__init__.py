"""A cohort that needs no data: simulated chest radiographs of fictional children, with planted defects."""

from pipelines.cohort.simulated.carried import pydicom_test_files
from pipelines.cohort.simulated.cohort import NORMAL, PNEUMONIA, SimulatedStudy, write_simulated_cohort

__all__ = ["NORMAL", "PNEUMONIA", "SimulatedStudy", "pydicom_test_files", "write_simulated_cohort"]
