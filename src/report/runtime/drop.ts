/// <reference lib="dom" />

/** A trace that is dropped on a page that is served becomes a page of its own. */
export function startDrop(): void {
  const zone = document.getElementById('drop')
  const input = document.getElementById('drop-file') as HTMLInputElement | null
  const status = document.getElementById('drop-status')
  if (zone === null || input === null || status === null) return
  zone.hidden = false
  const send = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return
    status.textContent = `Reading ${file.name} …`
    try {
      const response = await fetch('trace', {
        method: 'POST',
        body: file,
        headers: { 'x-file-name': encodeURIComponent(file.name) },
      })
      const { page, why } = (await response.json()) as { page?: string; why?: string }
      if (page === undefined) status.textContent = why ?? 'It could not be read.'
      else location.assign(page)
    } catch {
      status.textContent = 'It could not be sent: too large, or kreplay explore has ended.'
    }
  }
  input.addEventListener('change', () => void send(input.files?.[0]))
  addEventListener('dragover', (event) => {
    event.preventDefault()
    zone.classList.add('over')
  })
  addEventListener('dragleave', () => zone.classList.remove('over'))
  addEventListener('drop', (event: DragEvent) => {
    event.preventDefault()
    zone.classList.remove('over')
    void send(event.dataTransfer?.files[0])
  })
}
