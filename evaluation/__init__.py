"""Top floor: judges, calibration, the golden dataset, and the gate."""
