/** The data model: values, their CBOR and JSON, CIDs, CAR files. Pure and, but for streams, synchronous. */
export { type Bytes, BytesWrapper, CidLinkWrapper, fromBytes, isBytes, toBytes } from '@atcute/cbor'
export { type CidLink, isCidLink } from '@atcute/cid'
export { type BlobRef, blobRefs } from './blob.ts'
export { ByteMap, bytesKey, compareBytes, concatBytes, equalBytes } from './bytes.ts'
export { type CarBlock, carBlock, carBlockLength, carHeader, encodeCar, readCar } from './car.ts'
export { type CarLimits, readCarStream } from './car-stream.ts'
export { decodeCbor, decodeCborFirst, encodeCbor } from './cbor.ts'
export { MAX_DEPTH } from './cbor-scan.ts'
export {
  CID_LENGTH,
  type CidBytes,
  type CidCodec,
  CODEC_CBOR,
  CODEC_RAW,
  cidCodec,
  cidDigest,
  cidLink,
  cidText,
  isCid,
  linkBytes,
  makeCid,
  parseCid,
} from './cid.ts'
export { type DataObject, fromJson } from './json.ts'
export { JsonBytes } from './json-bytes.ts'
