package import ValueStreamCore

extension ServiceNames {
  /// Reads the service names for an exporter.
  ///
  /// The exporter's own setting wins over the common one, unless the common one is set with higher precedence.
  ///
  /// - Parameter own: The exporter's own setting; nil if it has none.
  /// - Throws: ``SettingsError`` with a one-line message for the user.
  package init(in settings: Settings, own: Setting<String?>? = nil) throws(SettingsError) {
    self = try settings.value(of: ExportSettings.serviceNames)
    if let own, let name = try settings.value(of: own), !settings.isGiven(ExportSettings.serviceNames, strongerThan: own) {
      self = ServiceNames(common: name)
    }
  }
}
