package import ValueStreamCore

/// Where the payload fixtures of each source are, for tests that read those of all sources.
extension SourceFactory {
  /// The module of the source. Its fixtures are in `Tests/<module>Tests/Fixtures`.
  package var module: String { String(String(reflecting: Self.self).prefix { $0 != "." }) }

  /// Returns the headers of a fixture. The part of its name before the first period is the type of the delivery.
  package func headers(ofFixture name: String) -> HTTPHeaders {
    guard let typeHeader else { return [:] }
    return HTTPHeaders([HTTPHeaders.Field(name: typeHeader, value: String(name.prefix { $0 != "." }))])
  }
}
