import ValueStreamCore
import APIClient

/// Which columns a file gets.
enum ColumnSelection: Sendable, Hashable {
  /// Those of the program of 2019, where it had such a file, else all.
  case standard
  case all
  /// These, in this order.
  case named([String])

  init(setting text: String) throws(SettingError) {
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

  /// What has to be asked of changes, whose further columns cost the server more.
  var ofChanges: ChangeRecord.Columns {
    switch self {
    case .standard: .standard
    case .all: .all
    case .named(let names): Set(names).isSubset(of: ChangeRecord.columns(.standard)) ? .standard : .all
    }
  }

  /// Where the columns stand among those of a source; nil for all of them.
  ///
  /// - Throws: a line that names the first column that the source does not have.
  func places(among columns: [String]) throws(SettingsError) -> [Int]? {
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
