import Aggregates
import ProgramOutput
import ValueStreamCore

extension Setting where Value == ReportTable.Format? {
  /// The format that all commands that print a report share.
  static let reportFormat = Setting(
    "format", environment: "", placeholder: ReportTable.Format.allCases.map(\.rawValue).joined(separator: "|"), default: nil,
    defaultText: nil, help: "Output format. Without it: table on a terminal, csv elsewhere."
  ) { text throws(SettingError) in
    guard let format = ReportTable.Format(rawValue: text) else {
      throw SettingError(expected: "one of \(ReportTable.Format.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return format
  }
}

extension Setting where Value == String? {
  /// The file that all commands with an output share.
  static let out = Setting.optionalText(
    "out", environment: "", placeholder: "FILE", help: "File to write. - or no value means standard output.")

  /// The chart that all commands that print a report share.
  static let chartFile = Setting(
    "chart", environment: "", placeholder: "FILE.svg", default: nil, defaultText: nil, help: "Also draw a chart into this file."
  ) { text throws(SettingError) in
    let ending = text.lowercased().split(separator: "/").last.flatMap { $0.contains(".") ? $0.split(separator: ".").last : nil }
    if let ending, imageEndings.contains(String(ending)) {
      throw SettingError(
        expected:
          "a file that ends in .svg: charts are drawn as SVG, which any browser shows, and which rsvg-convert makes a PNG or PDF")
    }
    return text
  }

  /// The endings of images that charts are not.
  private static let imageEndings: Set<String> = [
    "png", "jpg", "jpeg", "gif", "webp", "avif", "bmp", "tif", "tiff", "pdf", "eps", "html",
  ]
}

extension Settings {
  /// The file and the format of a report. On a terminal, the format is a table unless the user chose one.
  func reportOutput() throws(SettingsError) -> (path: String?, format: ReportTable.Format) {
    let path = try value(of: Setting<String?>.out).flatMap { $0 == "-" ? nil : $0 }
    let isForPerson = path == nil && StandardStream.output.isTerminal
    return (path, try value(of: Setting<ReportTable.Format?>.reportFormat) ?? (isForPerson ? .table : .csv))
  }
}
