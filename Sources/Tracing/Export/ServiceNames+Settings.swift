package import ValueStreamCore

extension ServiceNames {
  /// The names that an exporter uses: those for all exporters, or the one it has of its own when that was given in a stronger
  /// place, or in the same.
  package init(in settings: Settings, own: Setting<String?>? = nil) throws(SettingsError) {
    self = try settings.value(of: ExportSettings.serviceNames)
    if let own, let name = try settings.value(of: own), !settings.isGiven(ExportSettings.serviceNames, strongerThan: own) {
      self = ServiceNames(common: name)
    }
  }
}
