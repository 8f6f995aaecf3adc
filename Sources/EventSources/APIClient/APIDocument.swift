package import PayloadReading
package import ValueStreamCore

/// The JSON of an answer.
package struct APIDocument {
  package let document: JSONDocument

  package init(_ response: HTTPResponse) throws(APIError) {
    do throws(PayloadError) {
      document = try JSONDocument(response.body)
    } catch {
      throw APIError(.malformed, "the answer cannot be read: \(error)")
    }
  }

  /// The object it consists of.
  package func object() throws(APIError) -> PayloadObject {
    guard let object = PayloadObject(document.root, path: "$") else { throw APIError(.malformed, "the answer is no object") }
    return object
  }

  /// The objects of the list it consists of.
  package func list() throws(APIError) -> [PayloadObject] {
    guard document.root.isArray else { throw APIError(.malformed, "the answer is no list") }
    return document.root.elements.enumerated().compactMap { PayloadObject($1, path: "$[\($0)]") }
  }

  /// What it says for people, in the ways of the vendors; nil where it says nothing.
  var message: String? {
    guard let object = PayloadObject(document.root, path: "$") else { return nil }
    return object.text("message") ?? object.text("error_description") ?? object.text("error") ?? object.text("errorMessage")
      ?? object.texts("errorMessages")?.first ?? object.objects("errors").first?.text("message")
  }
}

extension APIError {
  /// An answer that lacks what it must have.
  package init(_ error: PayloadError) {
    self.init(.malformed, "the answer cannot be read: \(error)")
  }
}
