extension Command {
  /// The commands that import the history of a vendor, in the order of help texts.
  static let imports: [Command] = [.importGitHub, .importGitLab, .importJira, .importJenkins, .importTrello]
}
