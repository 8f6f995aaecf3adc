package import ValueStreamCore

/// Makes the exporter of a tracer from settings, and tells which settings those are.
///
/// The module of each exporter has one factory, and vsd lists them all.
package protocol TracerFactory: Sendable {
  /// The name of the tracer in `--tracer`, and of its exporter.
  var name: String { get }

  /// Further names that `--tracer` takes for it.
  var otherNames: [String] { get }

  /// The name for people: the heading of its settings.
  var title: String { get }

  /// The settings of this tracer alone, in the order of the help.
  var declarations: [SettingDeclaration] { get }

  /// Returns the exporter with its configuration.
  ///
  /// Only called for tracers that the user chose: the variables of others may be meant for other programs.
  ///
  /// - Parameter readFile: Reads a file that a setting names; returns nil if it cannot.
  /// - Throws: A one-line message for the user.
  func makeDestination(
    _ context: TracerContext, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> TracerDestination
}

extension TracerFactory {
  package var otherNames: [String] { [] }
  package var declarations: [SettingDeclaration] { [] }
}

/// A backend for finished spans, with its configured exporter.
package struct TracerDestination: Sendable {
  package let exporter: any SpanExporter
  /// A message for the user at start; nil if there is none.
  package let notice: String?

  package init(exporter: any SpanExporter, notice: String? = nil) {
    self.exporter = exporter
    self.notice = notice
  }
}

/// What the program gives an exporter: settings, and ways out.
package struct TracerContext: Sendable {
  package let settings: Settings
  /// The environment variables, which settings may refer to.
  package let environment: [String: String]
  package let attributes: AttributeSelection
  package let phases: PhaseStyle
  /// Returns a client for HTTP that uses these files for TLS.
  package let transport: @Sendable (TLSFiles) -> any HTTPTransport
  package let output: LineOutput

  /// - Throws: A one-line message for the user if a setting that all exporters share is wrong.
  package init(
    settings: Settings, environment: [String: String], transport: @escaping @Sendable (TLSFiles) -> any HTTPTransport,
    output: LineOutput
  ) throws(SettingsError) {
    self.settings = settings
    self.environment = environment
    self.transport = transport
    self.output = output
    attributes = try settings.value(of: ExportSettings.attributes)
    phases = try settings.value(of: ExportSettings.phases)
  }
}

/// PEM files for TLS. Nil stands for what the system has.
package struct TLSFiles: Sendable, Hashable {
  /// The certificate authorities to trust.
  package var authorities: String?
  /// The client certificate to present to servers that ask for one.
  package var clientCertificate: String?
  /// The key of the client certificate.
  package var clientKey: String?

  package init() {}
}

/// Where lines for the user go.
package struct LineOutput: Sendable {
  package let write: @Sendable ([UInt8]) -> Void
  /// Returns false while a line could be lost.
  package let hasRoom: @Sendable () -> Bool

  package init(write: @escaping @Sendable ([UInt8]) -> Void, hasRoom: @escaping @Sendable () -> Bool) {
    self.write = write
    self.hasRoom = hasRoom
  }
}
