/// Makes a source from settings, and tells what there is to know of it before it is made.
///
/// The module of each source has one factory, and the catalog of sources lists them all.
package protocol SourceFactory: Sendable {
  /// The source with default rules and without secrets. It parses deliveries, but accepts anybody's.
  var plain: any EventSource { get }

  /// The secrets that senders share with vsd.
  var secret: SecretSetting { get }

  /// Settings other than the secret that authentication needs.
  var authentication: [SettingDeclaration] { get }

  /// Settings for what the vendor does not tell, such as which builds are deploys.
  ///
  /// Those that sources share are in ``ClassificationSettings`` and ``ServiceRules``.
  var classification: [SettingDeclaration] { get }

  /// Returns the source with its rules.
  ///
  /// - Parameter secrets: The secrets that senders may use. If empty, the source accepts unsigned deliveries.
  /// - Throws: A one-line message for the user.
  func makeSource(secrets: [Secret], settings: Settings) throws(SettingsError) -> any EventSource

  /// How to connect the source.
  var guide: SourceGuide { get }

  /// The header in which the vendor names the type of a delivery; nil if there is none.
  ///
  /// Importers sign it with the delivery.
  var typeHeader: String? { get }

  /// Returns a short name for what a delivery is, for summaries: its type, or the name of the source.
  func kind(of headers: HTTPHeaders) -> String

  /// How to tell the type of a payload whose headers are lost; nil if a payload can be read without them.
  var payloadTypes: PayloadTypes? { get }

  /// The CI of the vendor; nil if it has none.
  var ci: CISystem? { get }

  /// Returns the header by which a sender with a secret is known; nil for vendors for which nobody else sends deliveries.
  func signature(
    of body: [UInt8], secret: Secret, using authenticator: any MessageAuthenticator
  ) -> HTTPHeaders.Field?
}

extension SourceFactory {
  /// The name of the source.
  package var name: String { plain.name }
  /// The path that accepts deliveries of the source.
  package var route: String { plain.route }

  package var authentication: [SettingDeclaration] { [] }
  package var classification: [SettingDeclaration] { [] }
  package var typeHeader: String? { nil }
  package var payloadTypes: PayloadTypes? { nil }
  package var ci: CISystem? { nil }

  package func kind(of headers: HTTPHeaders) -> String { typeHeader.flatMap { headers[$0] } ?? name }

  package func signature(of body: [UInt8], secret: Secret, using authenticator: any MessageAuthenticator) -> HTTPHeaders.Field? {
    nil
  }
}

/// The types of a vendor's deliveries, for payloads that were kept without the header that names the type.
package struct PayloadTypes: Sendable {
  /// All types, whether vsd reads them or not.
  package var all: Set<String>
  /// Infers the type from a body; nil if the body does not show it.
  package var inferred: @Sendable (_ body: [UInt8]) -> String?

  package init(all: Set<String>, inferred: @escaping @Sendable (_ body: [UInt8]) -> String?) {
    self.all = all
    self.inferred = inferred
  }
}
