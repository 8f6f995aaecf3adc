import ValueStreamCore

extension Setting where Value == Bool {
  /// The setting that all commands that write CSV share.
  static let keepFormulas = Setting.toggle(
    "keep-formulas", environment: "",
    help:
      "Write text that a spreadsheet would run as a formula (=, +, -, @ in front) unchanged, without the protecting apostrophe.")
}
