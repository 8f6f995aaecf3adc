import ValueStreamCore

extension Setting where Value == Bool {
  /// What all commands take that write CSV.
  static let keepFormulas = Setting.toggle(
    "keep-formulas", environment: "",
    help: "Write texts as they are that a spreadsheet would run (=, +, -, @ in front); without it they begin with an apostrophe.")
}
