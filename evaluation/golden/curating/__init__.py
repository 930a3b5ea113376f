"""What those who keep a dataset see and do: lists, the editor, differences, and its health."""
