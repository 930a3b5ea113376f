"""Top floor: judges, calibration, the golden dataset, the gate, indicators and alerts."""
