package import APIClient
package import ValueStreamCore

/// The columns of a downloaded file.
package enum ColumnSelection: Sendable, Hashable {
  /// The columns of the program of 2019 if it had such a file, otherwise all.
  case standard
  case all
  /// These columns, in this order.
  case named([String])

  package init(setting text: String) throws(SettingError) {
    switch text {
    case "standard": self = .standard
    case "all": self = .all
    default:
      let names = text.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmed }
      guard !names.contains(""), Set(names).count == names.count else {
        throw SettingError(expected: "standard, all, or names of columns such as owner,repo,duration")
      }
      self = .named(names)
    }
  }

  /// The columns to request for changes. The standard columns are cheaper for the server.
  package var ofChanges: ChangeRecord.Columns {
    switch self {
    case .standard: .standard
    case .all: .all
    case .named(let names): Set(names).isSubset(of: ChangeRecord.columns(.standard)) ? .standard : .all
    }
  }

  /// Returns the indices of the selected columns among those of a source; nil for all columns.
  ///
  /// - Throws: ``SettingsError`` that names the first column that the source does not have.
  package func places(among columns: [String]) throws(SettingsError) -> [Int]? {
    guard case .named(let names) = self else { return nil }
    var places: [Int] = []
    for name in names {
      guard let place = columns.firstIndex(of: name) else {
        let nearest = Spelling.nearest(to: name, among: columns).map { " (did you mean \($0)?)" } ?? ""
        throw SettingsError("--columns: there is no column \(name)\(nearest); there are \(columns.joined(separator: ", "))")
      }
      places.append(place)
    }
    return places
  }
}
