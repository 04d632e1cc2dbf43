// Save PNG: the map as it stands, with title, scenario and a legend, and without the panels.

const HEAD = 58;
const FOOT = 40;

function savePicture(app) {
  const { data, state, canvas } = app;
  const from = canvas.canvas;
  const ratio = window.devicePixelRatio || 1;
  canvas.forPicture = true;
  canvas.draw();
  const picture = el('canvas', { width: from.width, height: from.height + (HEAD + FOOT) * ratio });
  const pen = picture.getContext('2d');
  pen.fillStyle = data.theme.colours.paper;
  pen.fillRect(0, 0, picture.width, picture.height);
  pen.drawImage(from, 0, HEAD * ratio);
  canvas.forPicture = false;
  canvas.draw();
  pen.scale(ratio, ratio);
  const { colours, font } = data.theme;
  pen.fillStyle = colours.ink;
  pen.font = `600 17px ${font}`;
  pen.fillText(data.title, 14, 24);
  pen.fillStyle = colours.mute;
  pen.font = `12px ${font}`;
  const against = state.mode === 'difference' ? ', change against today' : '';
  pen.fillText(`${data.scenarios[state.scenario].name}${against}. ${data.subtitle || ''}`, 14, 44);
  pictureLegend(app, pen, picture.height / ratio - FOOT / 2);
  picture.toBlob((blob) => saveFile('supply-map.png', 'image/png', [blob]));
}

/** One line of signs and words under the map. */
function pictureLegend(app, pen, y) {
  const { data, state, canvas } = app;
  const { colours, widths, font } = data.theme;
  let x = 14;
  const words = (text) => {
    pen.fillStyle = colours.ink;
    pen.fillText(text, x, y + 4);
    x += pen.measureText(text).width + 18;
  };
  const stroke = (colour, width, text) => {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.setLineDash([9, 2.5]);
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x + 34, y);
    pen.stroke();
    pen.setLineDash([]);
    x += 40;
    words(text);
  };
  pen.font = `11px ${font}`;
  if (state.mode === 'difference') {
    stroke(colours.more, 4, 'More than today');
    stroke(colours.less, 4, 'Less than today');
  } else {
    if (data.failures) {
      const { loss, through } = data.failures.largest;
      if (loss) words(`Largest site: ${tonnes(loss)} of demand lost`);
      if (through) words(`Largest strait: ${tonnes(through)} through`);
    }
    if (attackShown(canvas)) words(attackSigns(data.attack));
    for (const part of data.failures || data.attack ? [0.5] : [1, 0.2, 0.02]) {
      const value = roundish(data.largest.line * part);
      const width = widths.least + Math.sqrt(value / data.largest.line) * widths.lane;
      stroke(laneColour(canvas), width * canvas.frame.swell, `${tonnes(value)} a year`);
    }
  }
  for (const kind of ['mine', 'refinery', 'factory', 'passage']) {
    if (state.hidden.has(kind) || !data.nodes.some((node) => node.kind === kind)) continue;
    shapeOf(pen, kind, x + 6, y, 6);
    pen.fillStyle = colours[state.mode === 'difference' && kind !== 'passage' ? 'mute' : kind];
    pen.fill();
    x += 17;
    words(KIND_WORDS[kind]);
  }
  pen.fillStyle = colours.mute;
  pen.fillText('Dashed: estimated. Land: Natural Earth. supplygraph', x, y + 4);
}
