import ValueStreamCore

extension Setting where Value == Bool {
  /// What all commands take that write CSV.
  static let keepFormulas = Setting.toggle(
    "keep-formulas", environment: "",
    help:
      "Write text that a spreadsheet would run as a formula (=, +, -, @ in front) unchanged, without the protecting apostrophe.")
}
