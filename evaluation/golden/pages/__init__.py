"""What people see of the golden dataset: composed for templates, and the views behind their addresses."""
