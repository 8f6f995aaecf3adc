package import ValueStreamCore

/// Encodes and decodes a delivery for the log, before compression.
package enum DeliveryPacking {
  /// Returns the encoded delivery without the bytes of its body, which the caller appends.
  package static func head(of logged: LoggedDelivery) -> [UInt8] {
    let delivery = logged.delivery
    var writer = PackedWriter()
    writer.bytes.reserveCapacity(256)
    writer.put(delivery.source)
    writer.put(optional: delivery.id)
    writer.put(delivery.received.nanoseconds)
    writer.put(UInt64(delivery.headers.fields.count))
    for field in delivery.headers.fields {
      writer.put(field.name)
      writer.put(field.value)
    }
    switch logged.unreadable {
    case nil: writer.put(0 as UInt64)
    case let error?:
      writer.put(number(of: error.code))
      writer.put(error.path)
      writer.put(error.reason)
    }
    writer.put(UInt64(delivery.body.count))
    return writer.bytes
  }

  package static func read(from source: inout some PackedSource) throws(DamagedBytes) -> LoggedDelivery {
    let name = try source.text()
    let id = try source.optionalText()
    let received = Timestamp(nanoseconds: try source.signed())
    var headers = HTTPHeaders()
    for _ in 0..<(try source.count()) {
      headers.fields.append(HTTPHeaders.Field(name: try source.text(), value: try source.text()))
    }
    let unreadable = try unreadable(from: &source)
    let body = try source.bytes(try source.count())
    return LoggedDelivery(
      Delivery(source: name, id: id, received: received, headers: headers, body: body), unreadable: unreadable)
  }

  private static func unreadable(from source: inout some PackedSource) throws(DamagedBytes) -> PayloadError? {
    let number = try source.unsigned()
    guard number > 0 else { return nil }
    guard let code = code(of: number) else { throw DamagedBytes() }
    return PayloadError(code, path: try source.text(), reason: try source.text())
  }

  private static func number(of code: PayloadError.Code) -> UInt64 {
    switch code {
    case .malformed: 1
    case .unsupportedMediaType: 2
    case .missingIdentity: 3
    }
  }

  private static func code(of number: UInt64) -> PayloadError.Code? {
    switch number {
    case 1: .malformed
    case 2: .unsupportedMediaType
    case 3: .missingIdentity
    default: nil
    }
  }
}
