import ValueStreamCore

extension Setting where Value == Int {
  /// Declares a setting for a whole number in a range. `items` is the unit in messages, such as `days`.
  static func count(
    _ name: String, of items: String? = nil, default value: Int, in range: ClosedRange<Int>, help: String
  ) -> Setting {
    Setting(
      name, environment: "", placeholder: "N", default: value, defaultText: "\(value)", help: help
    ) { text throws(SettingError) in
      guard let number = Int(text), range.contains(number) else {
        let upTo = range.upperBound == .max ? "on" : "to \(range.upperBound)"
        throw SettingError(expected: "a number \(items.map { "of \($0) " } ?? "")from \(range.lowerBound) \(upTo)")
      }
      return number
    }
  }
}

extension Setting where Value == Timestamp? {
  /// Declares a setting for a time. A day without a time means its start in UTC.
  static func time(_ name: String, defaultText: String? = nil, help: String) -> Setting {
    Setting(
      name, environment: "", placeholder: "TIME", default: nil, defaultText: defaultText, help: help
    ) { text throws(SettingError) in
      guard let time = Timestamp(rfc3339: text) ?? Timestamp(rfc3339: "\(text)T00:00:00Z") else {
        throw SettingError(expected: "a time such as 2026-11-24T18:00:00Z, or a day")
      }
      return time
    }
  }
}
