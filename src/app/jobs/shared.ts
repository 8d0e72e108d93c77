/** The same plain data with every column on memory that threads share. Columns that stand there already stay. */
export function onSharedMemory<T>(value: T): T {
  if (ArrayBuffer.isView(value)) {
    const column = value as unknown as Uint8Array
    if (column.buffer instanceof SharedArrayBuffer) return value
    const copy = new (column.constructor as Uint8ArrayConstructor)(
      new SharedArrayBuffer(column.byteLength) as unknown as ArrayBuffer,
    )
    copy.set(column)
    return copy as unknown as T
  }
  if (Array.isArray(value)) return (typeof value[0] === 'object' ? value.map(onSharedMemory) : value) as T
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, onSharedMemory(one)])) as T
  return value
}
