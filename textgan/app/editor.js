// The editor of the tab "Edit". Gradio calls this with `element` and `trigger` in scope.
// The picture never leaves the browser but as the square PNG that `content` makes.
const MOST_MEGABYTES = 32;
const MOST_MEGAPIXELS = 64;
const COLOR = '#ff2bd6';

const root = element.querySelector('.tg-editor');
const find = (selector) => root.querySelector(selector);
const picture = find('.tg-picture'), marks = find('.tg-marks'), brush = find('.tg-brush');
const chooser = find('input[type=file]'), size = find('input[type=range]');
const note = find('[role=alert]'), taken = find('.tg-taken');
const tab = element.closest('.tg-edit');
const sources = root.dataset.sources.split(' ').map((id) => document.getElementById(id));
let isEmpty = true;  // until there is a picture
let isErasing = false;
let from = null;  // the last point of the brush, in pixels of the picture

// The picture

const say = (text) => { note.textContent = text; };

function show(image, width, height) {
  const short = Math.min(width, height), side = Math.min(short, Number(root.dataset.side));
  for (const canvas of [picture, marks]) canvas.width = canvas.height = side;
  const context = picture.getContext('2d');
  context.imageSmoothingQuality = 'high';
  const left = (width - short) / 2, top = (height - short) / 2;
  context.drawImage(image, left, top, short, short, 0, 0, side, side);
  isEmpty = false;
  root.classList.add('tg-full');
  place(side / 2, side / 2);
  say('');
}

// The size is read before the pixels are decoded.
function loaded(url, name) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error(`The browser cannot read ${name} as an image.`));
    image.src = url;
  });
}

async function read(file) {
  if (file.size > MOST_MEGABYTES * 1e6) {
    const has = `${file.name} has ${Math.ceil(file.size / 1e6)} MB`;
    throw new Error(`${has}, and a picture may have ${MOST_MEGABYTES}.`);
  }
  const url = URL.createObjectURL(file);
  try {
    const { naturalWidth: width, naturalHeight: height } = await loaded(url, file.name);
    if (width * height > MOST_MEGAPIXELS * 1e6) {
      const has = `${file.name} has ${width} x ${height} pixels`;
      throw new Error(`${has}, and a picture may have ${MOST_MEGAPIXELS} million.`);
    }
    const image = await createImageBitmap(file).catch(() => {
      throw new Error(`${file.name} must be an image of pixels, such as a PNG or a JPEG.`);
    });
    show(image, image.width, image.height);
    image.close();
  } finally {
    URL.revokeObjectURL(url);
  }
}

async function take(file) {
  try {
    if (!file) throw new Error('There is no file of a picture in it.');
    await read(file);
  } catch (error) {
    say(error.message);
  }
}

chooser.addEventListener('change', () => {
  if (chooser.files.length) take(chooser.files[0]);
  chooser.value = '';  // so that the same file can be chosen again
});
const easel = find('.tg-easel');
easel.addEventListener('dragover', (event) => event.preventDefault());
easel.addEventListener('drop', (event) => {
  event.preventDefault();
  take(event.dataTransfer.files[0]);
});
document.addEventListener('paste', (event) => {
  const { files, types } = event.clipboardData;
  const isPicture = files.length && !types.includes('text/plain');  // a text may come with one
  if (isPicture && root.offsetParent) take(files[0]);
});

// Images of the page that can be taken

function offer() {
  const found = sources.flatMap((one) => [...one.querySelectorAll('.tg-grid img')]);
  const shown = [...taken.querySelectorAll('img')];
  if (found.map((image) => image.src).join() === shown.map((image) => image.src).join()) return;
  taken.hidden = !found.length;
  const title = document.createElement('span');
  title.textContent = taken.ariaLabel;
  taken.replaceChildren(title, ...found.map((image) => {
    const button = document.createElement('button'), copy = document.createElement('img');
    button.type = 'button';
    button.ariaLabel = `Take ${image.alt}`;
    copy.src = image.src;
    copy.alt = '';
    button.append(copy);
    button.addEventListener('click', () => show(copy, copy.naturalWidth, copy.naturalHeight));
    return button;
  }));
}

for (const one of sources)
  new MutationObserver(offer).observe(one, { childList: true, subtree: true });
offer();

// The brush

const paints = () => !isEmpty && tab.dataset.task === 'inpaint';
const diameter = () => Math.max(1, marks.width * size.value / 100);

function place(x, y) {
  from = [x, y];
  const percent = (pixels) => `${100 * pixels / marks.width}%`;
  brush.style.left = percent(x - diameter() / 2);
  brush.style.top = percent(y - diameter() / 2);
  brush.style.width = brush.style.height = percent(diameter());
}

function stroke(x, y) {
  const context = marks.getContext('2d');
  context.globalCompositeOperation = isErasing ? 'destination-out' : 'source-over';
  context.strokeStyle = context.fillStyle = COLOR;
  context.lineCap = 'round';
  context.lineWidth = diameter();
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(x, y);
  context.stroke();
  context.beginPath();  // a line of no length would draw nothing
  context.arc(x, y, diameter() / 2, 0, 2 * Math.PI);
  context.fill();
  place(x, y);
}

function point(event) {
  const box = marks.getBoundingClientRect(), scale = marks.width / box.width;
  return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
}

marks.addEventListener('pointerdown', (event) => {
  if (!paints() || event.button) return;
  marks.setPointerCapture(event.pointerId);
  place(...point(event));
  stroke(...from);
});
marks.addEventListener('pointermove', (event) => {
  brush.hidden = !paints();
  if (brush.hidden) return;
  if (marks.hasPointerCapture(event.pointerId)) stroke(...point(event));
  else place(...point(event));
});
marks.addEventListener('pointerleave', () => { brush.hidden = true; });
marks.addEventListener('focus', () => {
  brush.hidden = !paints() || !marks.matches(':focus-visible');
});
marks.addEventListener('blur', () => { brush.hidden = true; });
const MOVES = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], ' ': [0, 0],
};
marks.addEventListener('keydown', (event) => {
  const move = MOVES[event.key];
  if (!move || !paints()) return;
  event.preventDefault();  // the page must not scroll
  brush.hidden = false;
  const side = marks.width, limited = (value) => Math.min(side, Math.max(0, value));
  const to = from.map((value, axis) => limited(value + move[axis] * side / 32));
  if (event.key === ' ' || event.shiftKey) stroke(...to);
  else place(...to);
});
size.addEventListener('input', () => { if (from) place(...from); });

const actions = {
  choose: () => chooser.click(),
  clear: () => marks.getContext('2d').clearRect(0, 0, marks.width, marks.height),
  erase: (button) => {
    isErasing = !isErasing;
    button.setAttribute('aria-pressed', isErasing);
  },
};
root.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (button) actions[button.dataset.do](button);
});

// What is sent

// White where there are marks, else black.
function mask() {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = marks.width;
  const context = canvas.getContext('2d');
  context.drawImage(marks, 0, 0);
  context.globalCompositeOperation = 'source-in';
  context.fillStyle = 'white';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = 'black';
  context.fillRect(0, 0, canvas.width, canvas.height);
  return canvas.toDataURL('image/png');
}

function choose(task) {
  tab.dataset.task = task;
  brush.hidden = true;
}

root.addEventListener('choose', (event) => choose(event.detail));
// One object for all requests: Gradio sends the first one's again for a request that had to wait.
const sent = {};
root.addEventListener('draw', (event) => trigger('submit', Object.assign(sent, {
  picture: isEmpty ? null : picture.toDataURL('image/png'),
  mask: paints() ? mask() : null,
  another: event.detail,
})));
choose(root.dataset.task);
