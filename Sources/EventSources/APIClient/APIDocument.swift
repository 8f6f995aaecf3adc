package import PayloadReading
package import ValueStreamCore

/// The JSON document of a response.
package struct APIDocument {
  package let document: JSONDocument

  package init(_ response: HTTPResponse) throws(APIError) {
    do throws(PayloadError) {
      document = try JSONDocument(response.body)
    } catch {
      let isPage = response.body.first { $0 > 0x20 } == UInt8(ascii: "<")
      throw APIError(
        .malformed,
        isPage
          ? "the answer is a web page and not JSON: check the address, and whether a proxy or a sign-in stands before the API"
          : "the answer cannot be read: \(error)")
    }
  }

  /// Returns the root object.
  package func object() throws(APIError) -> PayloadObject {
    guard let object = PayloadObject(document.root, path: "$") else { throw APIError(.malformed, "the answer is no object") }
    return object
  }

  /// Returns the objects of the root array.
  package func list() throws(APIError) -> [PayloadObject] {
    guard document.root.isArray else { throw APIError(.malformed, "the answer is no list") }
    return document.root.elements.enumerated().compactMap { PayloadObject($1, path: "$[\($0)]") }
  }

  /// Returns the objects of the root array, the number of its other elements, and a note for the user if there are such.
  package func records() throws(APIError) -> (items: [PayloadObject], missing: Int, notes: [String]) {
    let items = try list()
    let missing = document.root.elements.count - items.count
    return (items, missing, missing == 0 ? [] : ["\(missing) of the list are missing: the answer has null in their place"])
  }

  /// The error message, in any of the members that vendors use; nil if there is none.
  var message: String? {
    guard let object = PayloadObject(document.root, path: "$") else { return nil }
    // GitHub says "Validation Failed", and what is wrong in a list.
    let details = object.objects("errors").compactMap { $0.text("message") }
    if let text = object.text("message"), !details.isEmpty { return "\(text): \(details.joined(separator: "; "))" }
    return object.text("message") ?? object.text("error_description") ?? object.text("error") ?? object.text("errorMessage")
      ?? object.texts("errorMessages")?.first ?? object.objects("errors").first?.text("message")
  }
}

extension APIError {
  /// Makes an error for a response that lacks required data.
  package init(_ error: PayloadError) {
    self.init(.malformed, "the answer cannot be read: \(error)")
  }
}
